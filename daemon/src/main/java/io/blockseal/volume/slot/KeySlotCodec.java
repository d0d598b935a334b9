package io.blockseal.volume.slot;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotType;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import org.jspecify.annotations.Nullable;

/** Between what a key source hands over and what a key slot stores. */
public final class KeySlotCodec {
    private KeySlotCodec() {}

    /** Refuses a label or a reference that does not fit. */
    public static KeySlot toSlot(KeySource source, WrappedKey wrapped, String label, int vkEpoch, long nowSeconds)
            throws VolumeRefusedException {
        try {
            return new KeySlot(
                    KeySlotType.ofKind(source.kind()).code(),
                    KeySlot.State.ACTIVE,
                    source.slotPriority(),
                    nowSeconds,
                    vkEpoch,
                    wrapped.algorithm().code(),
                    label,
                    wrapped.reference(),
                    wrapped.version(),
                    wrapped.parameters(),
                    wrapped.blob());
        } catch (IllegalArgumentException e) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, "a slot for " + wrapped.reference() + " cannot be made: " + e.getMessage());
        }
    }

    /** Null for a wrap algorithm that this release does not know. */
    public static @Nullable WrappedKey toWrapped(KeySlot slot) {
        for (WrapAlgorithm algorithm : WrapAlgorithm.values()) {
            if (algorithm.code() == slot.wrapAlgorithm()) {
                return new WrappedKey(algorithm, slot.reference(), slot.version(), slot.parameters(), slot.blob());
            }
        }
        return null;
    }
}

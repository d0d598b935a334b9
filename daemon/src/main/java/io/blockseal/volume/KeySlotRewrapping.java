package io.blockseal.volume;

import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.slot.ProvenWrap;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Puts another volume key into every key slot, each by the source that opens it now. All or none: a slot that is left
 * behind would lock its owner out without a word. Asks the sources, so not on the keeper.
 */
final class KeySlotRewrapping {
    /** Of {@link #requireAllAtHand}: no slot is about to be replaced. */
    static final int NO_SLOT = -1;

    private final Volume volume;
    private final List<KeySource> sources;
    private final Set<Integer> dropSlots;
    private final List<String> missing = new ArrayList<>();
    private final Set<Integer> missingSlots = new TreeSet<>();

    KeySlotRewrapping(Volume volume, List<KeySource> sources, Set<Integer> dropSlots) {
        this.volume = volume;
        this.sources = sources;
        this.dropSlots = dropSlots;
    }

    /** The same slots with {@code next} in them, of the next epoch, less those that are dropped. */
    KeySlotArea rewrap(KeySlotArea before, Secret current, Secret next) throws VolumeRefusedException {
        return rewrap(before, current, next, NO_SLOT);
    }

    /**
     * Refuses what {@link #rewrap} would refuse, before anything is done that cannot be taken back. The slot
     * {@code replaced} is left out: it is about to get a key that is at hand. {@link #NO_SLOT} for none.
     */
    void requireAllAtHand(KeySlotArea before, Secret current, int replaced) throws VolumeRefusedException {
        rewrap(before, current, null, replaced);
    }

    private KeySlotArea rewrap(KeySlotArea before, Secret current, @Nullable Secret next, int replaced)
            throws VolumeRefusedException {
        KeySlotArea after = before;
        for (int index = 0; index < KeySlotArea.SLOTS; index++) {
            KeySlot slot = before.slot(index);
            boolean taken = slot != null || before.refusal(index) != null;
            if (dropSlots.contains(index)) {
                if (!taken) {
                    throw refused(
                            Reason.UNSUITABLE, "key slot " + index + ", which is to be dropped, is free already.");
                }
                after = after.without(index);
            } else if (taken && index != replaced) {
                KeySlot again = slot == null ? null : rewrapped(index, slot, current, next);
                if (again != null) {
                    after = after.with(index, again);
                } else if (missingSlots.add(index) && slot == null) {
                    missing.add(before.refusal(index));
                }
            }
        }
        if (!missingSlots.isEmpty()) {
            throw refused(
                    Reason.UNSUITABLE,
                    "no key at hand opens " + String.join(", ", missing)
                            + ", and without it the slot cannot hold the new volume key. Give its key as well, or let"
                            + " the slot go:" + dropOptions() + ".");
        }
        if (after.activeCount() == 0) {
            throw refused(Reason.LAST_KEY_SLOT, "no key slot would be left that opens the volume.");
        }
        return after;
    }

    /** The slot with the new key, or as it is if there is none yet; null, with words in {@link #missing}, if no source opens it. */
    private @Nullable KeySlot rewrapped(int index, KeySlot slot, Secret current, @Nullable Secret next)
            throws VolumeRefusedException {
        WrappedKey wrapped = KeySlotCodec.toWrapped(slot);
        String why = "";
        for (KeySource source : sources) {
            if (wrapped == null || !source.mayOpen(wrapped)) {
                continue;
            }
            try (Secret found = source.unwrap(wrapped, binding())) {
                if (volume.engine().keys().same(found.key(), current.key())) {
                    if (next == null) {
                        return slot;
                    }
                    WrappedKey again = ProvenWrap.wrap(volume.engine(), volume.name(), source, next, binding());
                    return KeySlotCodec.toSlot(
                                    source,
                                    again,
                                    slot.label(),
                                    volume.root().vkEpoch() + 1,
                                    volume.clock().instant().getEpochSecond())
                            .withPriority(slot.priority());
                }
            } catch (WrongKeyException | KeySourceException unserved) {
                // Perhaps the next source opens it.
                why = " (" + unserved.getMessage() + ")";
            }
        }
        String label = slot.label().isEmpty() ? "" : " \"" + slot.label() + "\"";
        missing.add("key slot " + index + label + " of " + slot.reference() + why);
        return null;
    }

    private Binding binding() {
        return new Binding(volume.uuid());
    }

    private String dropOptions() {
        return missingSlots.stream().map(slot -> " --drop-slot " + slot).collect(Collectors.joining());
    }

    private VolumeRefusedException refused(Reason reason, String what) {
        return new VolumeRefusedException(reason, volume.name() + ": " + what + " Nothing was changed.");
    }
}

package io.blockseal.volume.slot;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets the volume key out of the first key slot that one of the given key sources opens. On keeper threads. */
public final class VolumeUnlock {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeUnlock.class);

    private final String volumeName;
    private final List<KeySource> sources;
    private final SlotChoice choice;
    private final boolean quiet;

    /** Nobody is asked before it is told to unlock. */
    public VolumeUnlock(String volumeName, List<KeySource> sources, SlotChoice choice) {
        this(volumeName, sources, choice, false);
    }

    private VolumeUnlock(String volumeName, List<KeySource> sources, SlotChoice choice, boolean quiet) {
        this.volumeName = volumeName;
        this.sources = sources;
        this.choice = choice;
        this.quiet = quiet;
    }

    /** One that leaves it to its caller what to say in the log; of sources elsewhere auditors are told all the same. */
    public static VolumeUnlock quiet(String volumeName, List<KeySource> sources, SlotChoice choice) {
        return new VolumeUnlock(volumeName, sources, choice, true);
    }

    /**
     * A volume key, which the caller closes, how the slot that gave it wraps it, that slot's number and its epoch.
     *
     * @param unserved what was said about slots before it whose source could not be asked, or would not; or null
     */
    public record Opened(
            Secret volumeKey,
            WrappedBy wrappedBy,
            int slot,
            int epoch,
            @Nullable String unserved) implements AutoCloseable {
        /** Refuses a slot that says that it holds the volume key of another epoch than a root whose MAC is right under it. */
        public void requireEpochOf(RootBlock root) throws MalformedVolumeException {
            if (epoch != root.vkEpoch()) {
                throw new MalformedVolumeException(
                        root.block(),
                        "vk_epoch",
                        Integer.toUnsignedString(root.vkEpoch()) + ", but key slot " + slot + " is of epoch "
                                + Integer.toUnsignedString(epoch));
            }
        }

        @Override
        public void close() {
            volumeKey.close();
        }
    }

    /**
     * The volume key; the caller closes it.
     *
     * @throws KeySourceException if a source that might have opened a slot could not be asked
     * @throws WrongKeyException if all were asked and none fits
     */
    public Opened open(KeySlotArea area, UUID uuid) throws KeySourceException, WrongKeyException {
        @Nullable KeySourceException unserved = null;
        StringBuilder tried = new StringBuilder();
        for (int index : inOrder(area)) {
            KeySlot slot = Objects.requireNonNull(area.slot(index));
            WrappedKey wrapped = KeySlotCodec.toWrapped(slot);
            for (KeySource source : sources) {
                if (wrapped == null || !source.mayOpen(wrapped)) {
                    continue;
                }
                if (source.slotPriority() != KeySlotPriority.ON_REQUEST.code() && !choice.mayTry(slot)) {
                    tried.append("; slot ")
                            .append(index)
                            .append(": opens on request only: --key-slot ")
                            .append(index);
                    break;
                }
                try {
                    Secret volumeKey = source.unwrap(wrapped, new Binding(uuid));
                    if (!quiet) {
                        tell(uuid, index, source, unserved);
                    }
                    return new Opened(
                            volumeKey,
                            WrappedBy.of(source, wrapped),
                            index,
                            slot.vkEpoch(),
                            unserved == null ? null : unserved.getMessage());
                } catch (WrongKeyException e) {
                    tried.append("; slot ").append(index).append(": ").append(e.getMessage());
                } catch (KeySourceException e) {
                    LOG.debug("volume={} slot={} source={}: {}", volumeName, index, source.kind(), e.getMessage());
                    unserved = unserved == null ? e : both(unserved, e);
                }
            }
        }
        if (unserved != null) {
            if (!quiet) {
                AuditLog.record(
                        AuditEvent.KEY_SOURCE_FAILED,
                        AuditField.of("volume", volumeName),
                        AuditField.of("uuid", uuid),
                        AuditField.of("outcome", unserved.kind().name().toLowerCase(Locale.ROOT)));
            }
            throw unserved;
        }
        AuditLog.record(AuditEvent.KEY_REFUSED, AuditField.of("volume", volumeName), AuditField.of("uuid", uuid));
        throw new WrongKeyException(volumeName + ": no key slot opens with the given keys" + tried + refusals(area));
    }

    /** Of a source that could not be asked the log knows only here: if nothing opens, the caller is told. */
    private void tell(UUID uuid, int index, KeySource source, @Nullable KeySourceException unserved) {
        if (unserved != null) {
            LOG.warn("volume={}: another key slot could not be tried: {}", volumeName, unserved.getMessage());
        }
        LOG.info("volume={} slot={} source={}: unlocked", volumeName, index, source.kind());
        AuditLog.record(
                AuditEvent.KEY_ACCEPTED,
                AuditField.of("volume", volumeName),
                AuditField.of("uuid", uuid),
                AuditField.of("slot", index),
                AuditField.of("source", source.kind()));
    }

    /** The numbers of the slots that count, by priority, then number. */
    private List<Integer> inOrder(KeySlotArea area) {
        List<Integer> order = new ArrayList<>();
        for (int priority = KeySlotPriority.FIRST.code(); priority >= 0; priority--) {
            for (int index = 0; index < KeySlotArea.SLOTS; index++) {
                KeySlot slot = area.slot(index);
                if (slot != null && slot.priority() == priority && choice.includes(index)) {
                    order.add(index);
                }
            }
        }
        return order;
    }

    /**
     * What is said of two slots that could not be tried. A no is definite only if it is the answer for all slots, and
     * what passes is waited for although another slot wants an operator.
     */
    private static KeySourceException both(KeySourceException one, KeySourceException other) {
        boolean swap = rank(other) > rank(one);
        KeySourceException first = swap ? other : one;
        KeySourceException second = swap ? one : other;
        return new KeySourceException(
                first.kind(), first.getMessage() + "; and another key slot: " + second.getMessage(), first);
    }

    private static int rank(KeySourceException trouble) {
        return switch (trouble.kind()) {
            case REFUSED -> 0;
            case MISCONFIGURED -> 1;
            case THROTTLED, UNREACHABLE -> 2;
        };
    }

    private static String refusals(KeySlotArea area) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < KeySlotArea.SLOTS; i++) {
            if (area.refusal(i) != null) {
                text.append("; refused: ").append(area.refusal(i));
            }
        }
        return text.toString();
    }
}

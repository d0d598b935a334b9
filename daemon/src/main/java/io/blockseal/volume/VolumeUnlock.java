package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets the volume key out of the first key slot that one of the given key sources opens. On keeper threads. */
final class VolumeUnlock {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeUnlock.class);

    private final String volumeName;
    private final List<KeySource> sources;
    private final int onlySlot;
    private final boolean quiet;

    VolumeUnlock(String volumeName, List<KeySource> sources, int onlySlot) {
        this(volumeName, sources, onlySlot, false);
    }

    private VolumeUnlock(String volumeName, List<KeySource> sources, int onlySlot, boolean quiet) {
        this.volumeName = volumeName;
        this.sources = sources;
        this.onlySlot = onlySlot;
        this.quiet = quiet;
    }

    /** One that leaves it to its caller what to say in the log; of sources elsewhere auditors are told all the same. */
    static VolumeUnlock quiet(String volumeName, List<KeySource> sources, int onlySlot) {
        return new VolumeUnlock(volumeName, sources, onlySlot, true);
    }

    /** A volume key, which the caller closes, how the slot that gave it wraps it, that slot's number and its epoch. */
    record Opened(Secret volumeKey, WrapAlgorithm wrappedBy, int slot, int epoch) implements AutoCloseable {
        /** Refuses a slot that says that it holds the volume key of another epoch than a root whose MAC is right under it. */
        void requireEpochOf(RootBlock root) throws MalformedVolumeException {
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
    Opened open(KeySlotArea area, UUID uuid) throws KeySourceException, WrongKeyException {
        @Nullable KeySourceException unserved = null;
        StringBuilder tried = new StringBuilder();
        for (int priority = 2; priority >= 0; priority--) {
            for (int index = 0; index < KeySlotArea.SLOTS; index++) {
                KeySlot slot = area.slot(index);
                if (slot == null || slot.priority() != priority || (onlySlot >= 0 && onlySlot != index)) {
                    continue;
                }
                WrappedKey wrapped = KeySlotCodec.toWrapped(slot);
                for (KeySource source : sources) {
                    if (wrapped == null || !mayTry(source, slot, wrapped)) {
                        continue;
                    }
                    try {
                        Secret volumeKey = source.unwrap(wrapped, new Binding(uuid));
                        if (!quiet) {
                            tell(uuid, index, source, unserved);
                        }
                        return new Opened(volumeKey, wrapped.algorithm(), index, slot.vkEpoch());
                    } catch (WrongKeyException e) {
                        tried.append("; slot ").append(index).append(": ").append(e.getMessage());
                    } catch (KeySourceException e) {
                        LOG.debug("volume={} slot={} source={}: {}", volumeName, index, source.kind(), e.getMessage());
                        // A no is definite only if it is the answer for all slots.
                        boolean definite = unserved == null || unserved.kind() == KeySourceException.Kind.REFUSED;
                        unserved = definite ? e : unserved;
                    }
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

    /** A slot of priority 0 opens only for a source that is itself of that kind: it was asked for by name. */
    private boolean mayTry(KeySource source, KeySlot slot, WrappedKey wrapped) {
        boolean asked = slot.priority() > 0 || source.slotPriority() == 0 || onlySlot >= 0;
        return asked && source.mayOpen(wrapped);
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

package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds, replaces, removes and lists the wrapped copies of an open volume's key. Every change is all or nothing, whenever the power
 * fails (docs/format.md, "Changing key slots"). On keeper threads.
 */
public final class KeySlots {
    private static final Logger LOG = LoggerFactory.getLogger(KeySlots.class);

    private final Volume volume;

    KeySlots(Volume volume) {
        this.volume = volume;
    }

    /** All slots that are not free. */
    public List<KeySlotInfo> list() throws StoreException {
        return KeySlotInfo.ofAll(current());
    }

    /**
     * Wraps the volume key once more, by {@code added}. The volume key is not kept in memory, so one of
     * {@code unlockWith} has to give it again.
     *
     * @return the number of the new slot
     */
    public int add(List<KeySource> unlockWith, KeySource added, String label)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        requireWritable();
        KeySlot slot = wrapAgain(unlockWith, added, label);
        int[] index = {-1};
        change(
                before -> {
                    index[0] = before.firstFree();
                    if (index[0] < 0) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": all 16 key slots are taken; remove one first");
                    }
                    return before.with(index[0], slot);
                },
                () -> {
                    LOG.info("volume={} slot={} source={}: key slot added", volume.name(), index[0], added.kind());
                    record(AuditEvent.KEY_SLOT_ADDED, index[0], AuditField.of("kind", added.kind()));
                });
        return index[0];
    }

    /**
     * Wraps the volume key anew into a slot that exists: another KEK takes the place of the old one, at once or not at
     * all, and the slot keeps its label. Afterwards the old KEK opens nothing of this volume any more.
     *
     * @param unlockWith as for {@link #add}; may be what opens the slot now
     */
    public void rewrap(int index, List<KeySource> unlockWith, KeySource replacement)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        requireWritable();
        KeySlot old = requireSlot(current(), index);
        KeySlot slot = wrapAgain(unlockWith, replacement, old.label());
        change(
                before -> {
                    // Somebody may have taken it away, or put another in its place, while the volume key was being
                    // wrapped.
                    if (!Arrays.equals(requireSlot(before, index).blob(), old.blob())) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": key slot " + index + " was changed meanwhile");
                    }
                    return before.with(index, slot);
                },
                () -> {
                    LOG.info(
                            "volume={} slot={} source={}: key slot wrapped anew",
                            volume.name(),
                            index,
                            replacement.kind());
                    record(AuditEvent.KEY_SLOT_REWRAPPED, index, AuditField.of("kind", replacement.kind()));
                });
    }

    private KeySlot requireSlot(KeySlotArea area, int index) throws VolumeRefusedException {
        KeySlot slot = index >= 0 && index < KeySlotArea.SLOTS ? area.slot(index) : null;
        if (slot == null) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, volume.name() + ": key slot " + index + " holds no key that could be replaced");
        }
        return slot;
    }

    /** The volume key is not kept in memory: one of {@code unlockWith} gives it for a moment. */
    private KeySlot wrapAgain(List<KeySource> unlockWith, KeySource source, String label)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        RootBlock root = volume.root();
        try (Secret volumeKey = new VolumeUnlock(volume.name(), unlockWith, -1).unlock(current(), root.uuid());
                VolumeKeys keys = VolumeKeys.derive(volume.engine(), root.uuidBytes(), volumeKey)) {
            if (!keys.sameAs(volume.keys())) {
                throw new WrongKeyException(volume.name() + ": a key slot gives another volume's key");
            }
            WrappedKey wrapped = source.wrap(volumeKey, new Binding(root.uuid()));
            return KeySlotCodec.toSlot(
                    source,
                    wrapped,
                    label,
                    root.vkEpoch(),
                    volume.clock().instant().getEpochSecond());
        }
    }

    /** Destroys a slot. The last one that opens the volume goes only by {@code force}. */
    public void remove(int index, boolean force) throws StoreException, VolumeRefusedException {
        requireWritable();
        change(
                before -> {
                    KeySlot slot = before.slot(index);
                    if (slot == null && before.refusal(index) == null) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": key slot " + index + " is free already");
                    }
                    boolean last = slot != null && slot.state() == KeySlot.State.ACTIVE && before.activeCount() == 1;
                    if (last && !force) {
                        throw new VolumeRefusedException(
                                Reason.LAST_KEY_SLOT,
                                volume.name() + ": slot " + index
                                        + " is the last that opens the volume; without it all data is"
                                        + " lost. Add another slot first, or force it.");
                    }
                    return before.without(index);
                },
                () -> {
                    LOG.info("volume={} slot={}: key slot removed", volume.name(), index);
                    record(AuditEvent.KEY_SLOT_REMOVED, index, AuditField.of("forced", force));
                });
    }

    private void record(AuditEvent event, int index, AuditField detail) {
        AuditLog.record(
                event,
                AuditField.of("volume", volume.name()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("slot", index),
                detail);
    }

    private interface Change {
        KeySlotArea apply(KeySlotArea before) throws VolumeRefusedException;
    }

    /** {@code stands} is called once the change is made, also if old copies could not be overwritten then. */
    private void change(Change change, Runnable stands) throws StoreException, VolumeRefusedException {
        volume.committer().runAlone(() -> {
            KeySlotArea after = change.apply(current());
            MetadataCopies store = volume.metadataCopies();
            int target = 1 - volume.root().keySlotArea();
            store.writeKeySlotsEverywhere(target, after.image());
            store.flush();
            // Until the old area is overwritten, a removed slot still opens the volume.
            volume.committer().commitKeySlots(volume.root().copy().keySlots(target, after.sha256()), after, stands);
        });
    }

    private KeySlotArea current() {
        return volume.keySlotArea();
    }

    private void requireWritable() throws VolumeRefusedException {
        if (volume.shape().readOnly()) {
            throw new VolumeRefusedException(Reason.NOT_WRITABLE, volume.name() + ": is open for reading only");
        }
    }
}

package io.blockseal.volume;

import io.blockseal.block.Errno;
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
import java.security.MessageDigest;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds, removes and lists the wrapped copies of an open volume's key. Every change is all or nothing, whenever the power
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
        KeySlotArea area = current();
        RootBlock root = volume.root();
        KeySlot slot;
        try (Secret volumeKey = new VolumeUnlock(volume.name(), unlockWith, -1).unlock(area, root.uuid());
                VolumeKeys keys = VolumeKeys.derive(volume.engine(), root.uuidBytes(), volumeKey)) {
            if (!keys.sameAs(volume.keys())) {
                throw new WrongKeyException(volume.name() + ": a key slot gives another volume's key");
            }
            WrappedKey wrapped = added.wrap(volumeKey, new Binding(root.uuid()));
            slot = KeySlotCodec.toSlot(
                    added,
                    wrapped,
                    label,
                    root.vkEpoch(),
                    volume.clock().instant().getEpochSecond());
        }
        int[] index = {-1};
        change(before -> {
            index[0] = before.firstFree();
            if (index[0] < 0) {
                throw new VolumeRefusedException(
                        Reason.UNSUITABLE, volume.name() + ": all 16 key slots are taken; remove one first");
            }
            return before.with(index[0], slot);
        });
        LOG.info("volume={} slot={} source={}: key slot added", volume.name(), index[0], added.kind());
        return index[0];
    }

    /** Destroys a slot. The last one that opens the volume goes only by {@code force}. */
    public void remove(int index, boolean force) throws StoreException, VolumeRefusedException {
        requireWritable();
        change(before -> {
            KeySlot slot = before.slot(index);
            if (slot == null && before.refusal(index) == null) {
                throw new VolumeRefusedException(
                        Reason.UNSUITABLE, volume.name() + ": key slot " + index + " is free already");
            }
            boolean last = slot != null && slot.state() == KeySlot.State.ACTIVE && before.activeCount() == 1;
            if (last && !force) {
                throw new VolumeRefusedException(
                        Reason.LAST_KEY_SLOT,
                        volume.name() + ": slot " + index + " is the last that opens the volume; without it all data is"
                                + " lost. Add another slot first, or force it.");
            }
            return before.without(index);
        });
        LOG.info("volume={} slot={}: key slot removed", volume.name(), index);
    }

    private interface Change {
        KeySlotArea apply(KeySlotArea before) throws VolumeRefusedException;
    }

    private void change(Change change) throws StoreException, VolumeRefusedException {
        VolumeRefusedException[] refused = new VolumeRefusedException[1];
        volume.committer().runAlone(() -> {
            KeySlotArea after;
            try {
                after = change.apply(current());
            } catch (VolumeRefusedException e) {
                refused[0] = e;
                return;
            }
            MetadataStore store = volume.metadataStore();
            int target = 1 - volume.root().keySlotArea();
            store.writeKeySlots(target, after.image());
            store.flush();
            volume.committer().commitRoot(volume.root().copy().keySlots(target, after.sha256()));
            // Until the old area is overwritten, a removed slot still opens the volume.
            store.writeKeySlots(1 - target, after.image());
            store.flush();
        });
        if (refused[0] != null) {
            throw refused[0];
        }
    }

    private KeySlotArea current() throws StoreException {
        RootBlock root = volume.root();
        for (int i = 0; i < 2; i++) {
            KeySlotArea area = KeySlotArea.decode(volume.metadataStore().readKeySlots((root.keySlotArea() + i) % 2));
            if (MessageDigest.isEqual(area.sha256(), root.keySlotHash())) {
                return area;
            }
        }
        throw new StoreException(Errno.EIO, volume.name() + ": both key slot areas were damaged since it was opened");
    }

    private void requireWritable() throws VolumeRefusedException {
        if (volume.shape().readOnly()) {
            throw new VolumeRefusedException(Reason.NOT_WRITABLE, volume.name() + ": is open for reading only");
        }
    }
}

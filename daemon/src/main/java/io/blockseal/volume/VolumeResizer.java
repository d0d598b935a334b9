package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.table.SlotMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a volume larger while no client uses it. The stores grow first, then one commit makes the new size true: after a
 * crash the volume has either size. On keeper threads.
 */
public final class VolumeResizer {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeResizer.class);

    private VolumeResizer() {}

    /**
     * Grows an open volume to {@code newSizeBytes}. Clients see the new size when the volume is opened anew; until then
     * it goes on with the old one.
     */
    public static void grow(Volume volume, long newSizeBytes) throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        volume.committer().runAlone(() -> growAlone(volume, newSizeBytes));
    }

    /** On the keeper: nobody else changes the root between the plan and its commit. */
    private static void growAlone(Volume volume, long newSizeBytes)
            throws StoreException, CommitFailedException, VolumeRefusedException {
        RootBlock old = volume.root();
        if (newSizeBytes < old.sizeBytes() || newSizeBytes % old.unitBytes() != 0) {
            throw unsuitable(
                    volume,
                    "cannot go from " + old.sizeBytes() + " to " + newSizeBytes + " bytes: a volume only grows, by"
                            + " multiples of its data unit, " + old.unitBytes());
        }
        RootBlock next = plan(volume, old, newSizeBytes);
        growStores(volume, old, next);
        volume.metadataCopies().growFor(next, old.pageCount());
        volume.stores().data().flush();
        volume.metadataCopies().flush();
        volume.committer().commitRoot(next);
        LOG.info("volume={} size={} was={}: grown", volume.logName(), newSizeBytes, old.sizeBytes());
        AuditLog.record(
                AuditEvent.VOLUME_RESIZED,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("size", newSizeBytes),
                AuditField.of("was", old.sizeBytes()));
    }

    private static RootBlock plan(Volume volume, RootBlock old, long newSize) throws VolumeRefusedException {
        long range = 1L << old.rangeShift();
        long ranges = ((newSize - 1) >>> old.rangeShift()) + 1;
        long newExtents = Math.max(0, MetadataLayout.extentsFor(ranges) - old.extentCount());
        if (old.extentCount() + newExtents > MetadataLayout.EXTENTS_MAX) {
            throw unsuitable(volume, newSize + " bytes need more metadata than a volume can have");
        }
        RootBlock next = old.copy();
        long extentSlots = 0;
        long firstNew = old.detached()
                ? old.extentOffset(old.extentCount() - 1) + MetadataLayout.EXTENT_BYTES
                : old.dataEndBytes();
        for (long i = 0; i < newExtents; i++) {
            next.addExtent(firstNew + i * MetadataLayout.EXTENT_BYTES);
        }
        if (!old.detached()) {
            extentSlots = (newExtents * MetadataLayout.EXTENT_BYTES + range - 1) >>> old.rangeShift();
        }
        long usable = old.slotCount() - new SlotMap(old).takenCount();
        long missing = Math.max(0, ranges + old.spareTarget() - usable);
        long slots = old.slotCount() + extentSlots + missing;
        if (slots > RootBlock.SLOTS_MAX) {
            throw unsuitable(volume, newSize + " bytes need more slots than a volume can have");
        }
        return next.sizeBytes(newSize).slots(slots, old.spareTarget());
    }

    private static void growStores(Volume volume, RootBlock old, RootBlock next) throws StoreException {
        BlockStore data = volume.stores().data();
        long sizeBefore = data.sizeBytes();
        if (sizeBefore < next.dataEndBytes()) {
            data.grow(next.dataEndBytes());
        }
        // What lay behind the volume on a larger device must not shine through as somebody's data.
        long leftOver = Math.min(sizeBefore, next.dataEndBytes()) - old.dataEndBytes();
        if (leftOver > 0 && VolumeCreator.zeroesAtOnce(data)) {
            data.zero(old.dataEndBytes(), leftOver);
        } else if (leftOver > 0) {
            next.markDirty();
        }
    }

    private static VolumeRefusedException unsuitable(Volume volume, String what) {
        return new VolumeRefusedException(Reason.UNSUITABLE, volume.name() + ": " + what);
    }
}

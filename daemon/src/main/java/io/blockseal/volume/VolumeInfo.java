package io.blockseal.volume;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootReader.Candidate;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;

/**
 * What can be told of a volume without a key. It is as true as a CRC: whoever can write to the store can make it say
 * anything.
 *
 * @param name its metadata store's
 * @param identity the public tag of its volume key, in hex
 * @param metadataExtents how many extents of 64 MiB the metadata takes
 * @param keySlots the slots that are not free
 * @param complaints what is damaged, for people
 */
public record VolumeInfo(
        String name,
        UUID uuid,
        String label,
        int majorVersion,
        int minorVersion,
        long sizeBytes,
        int unitBytes,
        long rangeBytes,
        long rangeCount,
        long slotCount,
        long dataOffsetBytes,
        boolean detached,
        int metadataExtents,
        long commitSeq,
        long createdSeconds,
        long committedSeconds,
        String identity,
        List<KeySlotInfo> keySlots,
        List<String> complaints) {

    /** Reads it from the store that has the metadata, knowing of no mirror. */
    public static VolumeInfo read(BlockStore metadata) throws StoreException, MalformedVolumeException {
        return read(VolumeStores.inBand(metadata));
    }

    /**
     * Reads it from the stores that have the metadata. Changes nothing.
     *
     * @throws MalformedVolumeException if there is no volume, or nothing of it that makes sense
     */
    public static VolumeInfo read(VolumeStores stores) throws StoreException, MalformedVolumeException {
        RootReader roots = RootReader.readSettled(MetadataCopies.of(stores));
        if (roots.candidates().isEmpty()) {
            throw roots.allDamaged();
        }
        return of(stores, roots);
    }

    /** Of roots that were read, at least one of which is whole. */
    static VolumeInfo of(VolumeStores stores, RootReader roots) throws MalformedVolumeException {
        List<String> complaints = new ArrayList<>();
        for (int copy = 0; copy < roots.count(); copy++) {
            MalformedVolumeException complaint = roots.complaint(copy);
            if (complaint != null) {
                complaints.add(String.valueOf(complaint.getMessage()));
            }
        }
        Candidate candidate = roots.candidates().get(0);
        candidate.root().requireConsistent();
        KeySlotArea area = candidate.area();
        if (area == null) {
            complaints.add("all key slot areas are damaged: the volume cannot be opened");
        }
        return of(
                stores.metadata().name(),
                candidate.root(),
                area == null ? List.of() : KeySlotInfo.ofAll(area),
                complaints);
    }

    static VolumeInfo of(String name, RootBlock root, List<KeySlotInfo> keySlots, List<String> complaints) {
        return new VolumeInfo(
                name,
                root.uuid(),
                root.label(),
                root.major(),
                root.minor(),
                root.sizeBytes(),
                root.unitBytes(),
                1L << root.rangeShift(),
                root.rangeCount(),
                root.slotCount(),
                root.dataOffsetBytes(),
                root.detached(),
                root.extentCount(),
                root.commitSeq(),
                root.createdSeconds(),
                root.committedSeconds(),
                HexFormat.of().formatHex(root.identityTag()),
                List.copyOf(keySlots),
                List.copyOf(complaints));
    }
}

package io.blockseal.volume.metadata;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.RootReader.Candidate;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Tells a mirror that was begun, and cut short before its roots were whole, from what is none: a file that is written to
 * for being taken for a mirror is lost. Every sector around its roots and key slots has to be zeros, or the volume's own.
 * While opening only.
 */
final class MirrorBeginnings {
    private static final int SECTOR_BYTES = 512;
    private static final int HEAD_BYTES = 128 << 10;
    private static final int UUID_AT = 0x10;
    private static final int UUID_END = 0x20;

    private final RootReader roots;

    /** {@code roots} of the volume, which has at least one that is whole. */
    MirrorBeginnings(RootReader roots) {
        this.roots = roots;
    }

    /** Whether that store, which has no whole root, may be filled. */
    boolean areOn(BlockStore mirror) throws StoreException {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            byte[] head = new byte[HEAD_BYTES];
            mirror.read(MetadataLayout.rootOffset(copy), ByteBuffer.wrap(head));
            int areaAt = (int) (MetadataLayout.keySlotAreaOffset(copy) - MetadataLayout.rootOffset(copy));
            for (int at = 0; at < HEAD_BYTES; at += SECTOR_BYTES) {
                boolean inArea = at >= areaAt && at < areaAt + KeySlotArea.AREA_BYTES;
                boolean ours = isZeros(head, at)
                        || (at < MetadataLayout.BLOCK_BYTES && (namesUs(head) || isOfARoot(head, at)))
                        || (inArea && isOfAnArea(head, at, at - areaAt));
                if (!ours) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean isZeros(byte[] head, int at) {
        return Arrays.equals(head, at, at + SECTOR_BYTES, new byte[SECTOR_BYTES], 0, SECTOR_BYTES);
    }

    /** Magic and UUID are in the first sector; a torn root has that or has not. */
    private boolean namesUs(byte[] head) {
        for (Candidate candidate : roots.candidates()) {
            byte[] root = candidate.root().image();
            if (Arrays.equals(head, 0, Long.BYTES, root, 0, Long.BYTES)
                    && Arrays.equals(head, UUID_AT, UUID_END, root, UUID_AT, UUID_END)) {
                return true;
            }
        }
        return false;
    }

    private boolean isOfARoot(byte[] head, int at) {
        return isLike(head, at, roots.rootImage(0), at) || isLike(head, at, roots.rootImage(1), at);
    }

    private boolean isOfAnArea(byte[] head, int at, int inArea) {
        return isLike(head, at, roots.areaImage(0), inArea) || isLike(head, at, roots.areaImage(1), inArea);
    }

    private static boolean isLike(byte[] head, int at, byte[] image, int from) {
        return Arrays.equals(head, at, at + SECTOR_BYTES, image, from, from + SECTOR_BYTES);
    }
}

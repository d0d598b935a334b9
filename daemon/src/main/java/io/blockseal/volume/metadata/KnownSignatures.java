package io.blockseal.volume.metadata;

import io.blockseal.format.MetadataLayout;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Looks for what people would not like to lose: a filesystem, a partition table, somebody's encrypted volume. */
public final class KnownSignatures {
    private static final int HEAD_BYTES = 128 << 10;

    private record Signature(String what, int offset, byte[] bytes) {}

    private static final Signature VOLUME = text("a Blockseal volume", 0, "\u0089BSL\r\n\u001a\n");

    private static final Signature[] AT_THE_HEAD = {
        text("a LUKS volume", 0, "LUKS\u00ba\u00be"),
        text("a LUKS2 volume", 16384, "SKUL\u00ba\u00be"),
        text("an ext2, ext3 or ext4 filesystem", 0x438, "S\u00ef"),
        text("an XFS filesystem", 0, "XFSB"),
        text("a Btrfs filesystem", 0x10040, "_BHRfS_M"),
        text("a ZFS or UFS label", 0x4000, "\u000c\u00b1\u00ba\u0000"),
        text("an LVM physical volume", 512, "LABELONE"),
        text("an LVM physical volume", 0, "LABELONE"),
        text("a software RAID member", 4096, "\u00fcN+\u00a9"),
        text("a software RAID member", 0, "\u00fcN+\u00a9"),
        text("swap space", 4086, "SWAPSPACE2"),
        text("swap space", 4086, "SWAP-SPACE"),
        text("a GUID partition table", 512, "EFI PART"),
        text("a GUID partition table", 4096, "EFI PART"),
        text("a boot sector or partition table", 510, "U\u00aa"),
        text("a QCOW2 image", 0, "QFI\u00fb"),
        text("a SquashFS filesystem", 0, "hsqs"),
        text("an ISO 9660 filesystem", 32769, "CD001"),
        text("an F2FS filesystem", 1024, "\u0010 \u00f5\u00f2"),
        text("a BitLocker volume", 3, "-FVE-FS-"),
        text("a VMware disk", 0, "KDMV"),
    };

    private static final Signature GPT_BACKUP = text("a GUID partition table", 0, "EFI PART");

    private KnownSignatures() {}

    /** What the store seems to hold, in words, or null. */
    public static @Nullable String find(BlockStore store) throws StoreException {
        return isVolume(store) ? VOLUME.what : findOtherThanVolume(store);
    }

    /** The same, blind to volumes of our own. */
    public static @Nullable String findOtherThanVolume(BlockStore store) throws StoreException {
        byte[] head = new byte[(int) Math.min(HEAD_BYTES, store.sizeBytes())];
        store.read(0, ByteBuffer.wrap(head));
        for (Signature signature : AT_THE_HEAD) {
            if (matches(head, signature)) {
                return signature.what;
            }
        }
        if (store.sizeBytes() >= 8192) {
            long lastBlock = (store.sizeBytes() - 4096) / 4096 * 4096;
            byte[] tail = read(store, lastBlock);
            for (int sector = 0; sector < tail.length; sector += 512) {
                if (matches(Arrays.copyOfRange(tail, sector, sector + 512), GPT_BACKUP)) {
                    return GPT_BACKUP.what + " (its backup)";
                }
            }
        }
        return null;
    }

    /** Whether a root of a volume with its metadata in it lies there; root B outlives whatever has overwritten root A. */
    public static boolean isVolume(BlockStore store) throws StoreException {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            long offset = MetadataLayout.rootOffset(copy);
            if (store.sizeBytes() >= offset + MetadataLayout.BLOCK_BYTES && matches(read(store, offset), VOLUME)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] read(BlockStore store, long offset) throws StoreException {
        byte[] block = new byte[4096];
        store.read(offset, ByteBuffer.wrap(block));
        return block;
    }

    private static boolean matches(byte[] bytes, Signature signature) {
        int end = signature.offset + signature.bytes.length;
        return end <= bytes.length
                && Arrays.equals(bytes, signature.offset, end, signature.bytes, 0, signature.bytes.length);
    }

    private static Signature text(String what, int offset, String latin1) {
        return new Signature(what, offset, latin1.getBytes(StandardCharsets.ISO_8859_1));
    }
}

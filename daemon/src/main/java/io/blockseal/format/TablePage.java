package io.blockseal.format;

import static io.blockseal.format.MetadataLayout.BLOCK_BYTES;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A page of the DEK table: 4096 bytes, a header and 31 entries (docs/format.md, "Table page"). A view over its own copy
 * of the bytes. An all-zero block is a page that was never committed: {@link #isZero}.
 *
 * <p>Life: {@link #decode}, then the owner of the keys compares {@link #mac()} with its own MAC of the UUID and
 * {@link #macInput()}; only then are entries read.
 */
public final class TablePage {
    /** Entries in a page. */
    public static final int ENTRIES = 31;
    /** First four bytes: "BSTP". */
    public static final int MAGIC = 0x5054_5342;
    /** Bytes of the MAC. */
    public static final int MAC_BYTES = 32;

    private static final int INDEX = Integer.BYTES;
    private static final int COMMIT_SEQ = INDEX + Integer.BYTES;
    private static final int VK_EPOCH = COMMIT_SEQ + Long.BYTES;
    private static final int ENTRY_COUNT = VK_EPOCH + Integer.BYTES;
    private static final int FLAGS = ENTRY_COUNT + Short.BYTES;
    private static final int HEADER_BYTES = 128;
    private static final int MAC = HEADER_BYTES - MAC_BYTES;

    static {
        LayoutCheck.same("page: flags", FLAGS, 22);
        LayoutCheck.same("page: MAC", MAC, 96);
        LayoutCheck.same("page", HEADER_BYTES + ENTRIES * TableEntry.ENTRY_BYTES, BLOCK_BYTES);
    }

    private final byte[] image;
    private final ByteBuffer bytes;

    private TablePage(byte[] image) {
        this.image = image;
        this.bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A page of NONE entries. */
    public static TablePage fresh(int pageIndex, int vkEpoch) {
        TablePage page = new TablePage(new byte[BLOCK_BYTES]);
        page.bytes.putInt(0, MAGIC);
        page.bytes.putInt(INDEX, pageIndex);
        page.bytes.putInt(VK_EPOCH, vkEpoch);
        page.bytes.putShort(ENTRY_COUNT, (short) ENTRIES);
        return page;
    }

    /** Reads what was found where page {@code pageIndex} belongs, checking all that needs no key. */
    public static TablePage decode(byte[] source, int pageIndex, String block) throws MalformedVolumeException {
        if (source.length != BLOCK_BYTES) {
            throw new MalformedVolumeException(block, "length", source.length + " bytes, not " + BLOCK_BYTES);
        }
        TablePage page = new TablePage(source.clone());
        int magic = page.bytes.getInt(0);
        if (magic != MAGIC) {
            throw new MalformedVolumeException(block, "magic", "found " + Integer.toHexString(magic) + ": damaged");
        }
        int index = page.bytes.getInt(INDEX);
        if (index != pageIndex) {
            throw new MalformedVolumeException(block, "page index", index + ", not " + pageIndex);
        }
        int count = Short.toUnsignedInt(page.bytes.getShort(ENTRY_COUNT));
        if (count != ENTRIES) {
            throw new MalformedVolumeException(block, "entry count", count + ", not " + ENTRIES);
        }
        return page;
    }

    /** Whether a block is all zeros: a page copy that was never written. */
    public static boolean isZero(byte[] source) {
        for (byte b : source) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** The page with its MAC field zero: what the MAC covers, behind the volume's UUID. */
    public byte[] macInput() {
        byte[] covered = image.clone();
        Arrays.fill(covered, MAC, MAC + MAC_BYTES, (byte) 0);
        return covered;
    }

    /** The stored MAC. */
    public byte[] mac() {
        return Arrays.copyOfRange(image, MAC, MAC + MAC_BYTES);
    }

    /** Puts the MAC in: the page is ready to be written. */
    public void seal(byte[] mac) {
        if (mac.length != MAC_BYTES) {
            throw new IllegalArgumentException(mac.length + " bytes for a MAC");
        }
        bytes.put(MAC, mac);
    }

    /** A copy of the 4096 bytes. */
    public byte[] image() {
        return image.clone();
    }

    /** A page of its own with the same content, to be changed. */
    public TablePage copy() {
        return new TablePage(image.clone());
    }

    public int index() {
        return bytes.getInt(INDEX);
    }

    public long commitSeq() {
        return bytes.getLong(COMMIT_SEQ);
    }

    public void commitSeq(long seq) {
        bytes.putLong(COMMIT_SEQ, seq);
    }

    public int vkEpoch() {
        return bytes.getInt(VK_EPOCH);
    }

    public void vkEpoch(int epoch) {
        bytes.putInt(VK_EPOCH, epoch);
    }

    /** 0 in every page of this version. */
    public int flags() {
        return Short.toUnsignedInt(bytes.getShort(FLAGS));
    }

    /** The field of an entry that should be zero and is not, or null. */
    public @Nullable String leftOver(int entry) {
        return TableEntry.leftOver(image, entryOffset(entry));
    }

    /** Entry {@code entry}, 0 to 30. */
    public TableEntry entry(int entry) {
        return TableEntry.decode(image, entryOffset(entry));
    }

    /** {@link TableEntry#state} of an entry; this and its like make no object. */
    public int state(int entry) {
        return Byte.toUnsignedInt(image[entryOffset(entry) + TableEntry.STATE]);
    }

    /** {@link TableEntry#generation} of an entry. */
    public int generation(int entry) {
        return bytes.getInt(entryOffset(entry) + TableEntry.GENERATION);
    }

    /** {@link TableEntry#createdSeconds} of an entry. */
    public int createdSeconds(int entry) {
        return bytes.getInt(entryOffset(entry) + TableEntry.CREATED);
    }

    public void entry(int entry, TableEntry content) {
        content.encode(image, entryOffset(entry));
    }

    /** How much was enciphered under an entry's DEK; allocates nothing. */
    public long encryptedBytes(int entry) {
        return bytes.getLong(entryOffset(entry) + TableEntry.ENCRYPTED_BYTES);
    }

    public void encryptedBytes(int entry, long count) {
        bytes.putLong(entryOffset(entry) + TableEntry.ENCRYPTED_BYTES, count);
    }

    /** Copies an entry's wrapped DEK into the first bytes of {@code target}; allocates nothing. */
    public void copyWrappedDek(int entry, byte[] target) {
        System.arraycopy(image, entryOffset(entry) + TableEntry.WRAPPED_DEK, target, 0, TableEntry.WRAPPED_DEK_BYTES);
    }

    /** Where an entry begins within a page. */
    public static int entryOffset(int entry) {
        return HEADER_BYTES + entry * TableEntry.ENTRY_BYTES;
    }

    /** Which page a range's entry is on. */
    public static int pageOf(long rangeIndex) {
        return (int) (rangeIndex / ENTRIES);
    }

    /** Which entry of its page. */
    public static int entryOf(long rangeIndex) {
        return (int) (rangeIndex % ENTRIES);
    }

    /** The first range of a page. */
    public static long firstRange(int pageIndex) {
        return (long) pageIndex * ENTRIES;
    }
}

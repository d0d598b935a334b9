package io.blockseal.format;

import static io.blockseal.format.MetadataLayout.BLOCK_BYTES;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of the DEK table: 4096 bytes, a header and 31 entries (docs/format.md, "Table page"). A view over its own copy
 * of the bytes. An all-zero block is a page that was never committed: {@link #isZero}.
 *
 * <p>The bytes lie outside the heap. There the collector would copy them about, and a wrapped DEK that was destroyed on the
 * disk would stay behind in what it leaves, for whoever reads the memory of this process and has the volume key. Here
 * {@link #wipeDeks} gets them all.
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

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(BLOCK_BYTES).asReadOnlyBuffer();

    private final ByteBuffer bytes = ByteBuffer.allocateDirect(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer readOnly = bytes.asReadOnlyBuffer();

    private TablePage() {}

    /** A page of NONE entries. */
    public static TablePage fresh(int pageIndex, int vkEpoch) {
        TablePage page = new TablePage();
        page.bytes.putInt(0, MAGIC);
        page.bytes.putInt(INDEX, pageIndex);
        page.bytes.putInt(VK_EPOCH, vkEpoch);
        page.bytes.putShort(ENTRY_COUNT, (short) ENTRIES);
        return page;
    }

    /** Reads what was found where page {@code pageIndex} belongs, checking all that needs no key. */
    public static TablePage decode(byte[] source, int pageIndex, String block) throws MalformedVolumeException {
        return decode(ByteBuffer.wrap(source), pageIndex, block);
    }

    /** The same, of the remaining bytes of {@code source}, which stays as it is. */
    public static TablePage decode(ByteBuffer source, int pageIndex, String block) throws MalformedVolumeException {
        if (source.remaining() != BLOCK_BYTES) {
            throw new MalformedVolumeException(block, "length", source.remaining() + " bytes, not " + BLOCK_BYTES);
        }
        ByteBuffer found = source.slice().order(ByteOrder.LITTLE_ENDIAN);
        int magic = found.getInt(0);
        if (magic != MAGIC) {
            throw new MalformedVolumeException(block, "magic", "found " + Integer.toHexString(magic) + ": damaged");
        }
        int index = found.getInt(INDEX);
        if (index != pageIndex) {
            throw new MalformedVolumeException(block, "page index", index + ", not " + pageIndex);
        }
        int count = Short.toUnsignedInt(found.getShort(ENTRY_COUNT));
        if (count != ENTRIES) {
            throw new MalformedVolumeException(block, "entry count", count + ", not " + ENTRIES);
        }
        TablePage page = new TablePage();
        page.bytes.put(0, found, 0, BLOCK_BYTES);
        return page;
    }

    /** Whether a block is all zeros: a page copy that was never written. */
    public static boolean isZero(byte[] source) {
        return isZero(ByteBuffer.wrap(source));
    }

    /** The same of the remaining bytes of {@code source}. */
    public static boolean isZero(ByteBuffer source) {
        for (int at = source.position(); at < source.limit(); at += BLOCK_BYTES) {
            int length = Math.min(BLOCK_BYTES, source.limit() - at);
            if (!source.slice(at, length).equals(ZEROS.slice(0, length))) {
                return false;
            }
        }
        return true;
    }

    /** The page with its MAC field zero, in three pieces: what the MAC covers, behind the volume's UUID. */
    public List<ByteBuffer> macInput() {
        return List.of(
                readOnly.slice(0, MAC),
                ZEROS.slice(0, MAC_BYTES),
                readOnly.slice(HEADER_BYTES, BLOCK_BYTES - HEADER_BYTES));
    }

    /** The stored MAC. */
    public byte[] mac() {
        byte[] mac = new byte[MAC_BYTES];
        bytes.get(MAC, mac);
        return mac;
    }

    /** Puts the MAC in: the page is ready to be written. */
    public void seal(byte[] mac) {
        if (mac.length != MAC_BYTES) {
            throw new IllegalArgumentException(mac.length + " bytes for a MAC");
        }
        bytes.put(MAC, mac);
    }

    /** A copy of the 4096 bytes, on the heap. */
    public byte[] image() {
        byte[] image = new byte[BLOCK_BYTES];
        bytes.get(0, image);
        return image;
    }

    /** The 4096 bytes themselves, to be read at absolute indices; by nobody to be written, nor its position moved. */
    public ByteBuffer bytes() {
        return readOnly;
    }

    /** Whether all bytes are those of the other page. */
    public boolean sameAs(TablePage other) {
        return readOnly.equals(other.readOnly);
    }

    /** A page of its own with the same content, to be changed. */
    public TablePage copy() {
        TablePage copy = new TablePage();
        copy.bytes.put(0, bytes, 0, BLOCK_BYTES);
        return copy;
    }

    /**
     * Overwrites all wrapped DEKs: of a page that counts no more, since another one has taken its place. What else the
     * entries say stays, for whoever is reading it. Whoever is unwrapping a DEK fails, and has to look at the other page.
     */
    public void wipeDeks() {
        for (int entry = 0; entry < ENTRIES; entry++) {
            bytes.put(wrappedDekOffset(entry), ZEROS, 0, TableEntry.WRAPPED_DEK_BYTES);
        }
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
        return TableEntry.leftOver(bytes.slice(entryOffset(entry), TableEntry.ENTRY_BYTES));
    }

    /** Entry {@code entry}, 0 to 30, with a copy of its wrapped DEK on the heap. */
    public TableEntry entry(int entry) {
        return TableEntry.decode(bytes.slice(entryOffset(entry), TableEntry.ENTRY_BYTES));
    }

    /** Replaces an entry. */
    public void entry(int entry, TableEntry content) {
        content.encode(bytes.slice(entryOffset(entry), TableEntry.ENTRY_BYTES));
    }

    /** {@link TableEntry#state} of an entry; this and its like make no object. */
    public int state(int entry) {
        return Byte.toUnsignedInt(bytes.get(entryOffset(entry) + TableEntry.STATE));
    }

    /** {@link TableEntry#suite} of an entry. */
    public int suite(int entry) {
        return Byte.toUnsignedInt(bytes.get(entryOffset(entry) + TableEntry.SUITE));
    }

    /** {@link TableEntry#generation} of an entry. */
    public int generation(int entry) {
        return bytes.getInt(entryOffset(entry) + TableEntry.GENERATION);
    }

    /** {@link TableEntry#slot} of an entry. */
    public long slot(int entry) {
        return Integer.toUnsignedLong(bytes.getInt(entryOffset(entry) + TableEntry.SLOT));
    }

    /** {@link TableEntry#createdSeconds} of an entry. */
    public int createdSeconds(int entry) {
        return bytes.getInt(entryOffset(entry) + TableEntry.CREATED);
    }

    /** {@link TableEntry#encryptedBytes} of an entry. */
    public long encryptedBytes(int entry) {
        return bytes.getLong(entryOffset(entry) + TableEntry.ENCRYPTED_BYTES);
    }

    public void encryptedBytes(int entry, long count) {
        bytes.putLong(entryOffset(entry) + TableEntry.ENCRYPTED_BYTES, count);
    }

    /** Where an entry's wrapped DEK lies in this page, to be written. */
    public ByteBuffer wrappedDek(int entry) {
        return bytes.slice(wrappedDekOffset(entry), TableEntry.WRAPPED_DEK_BYTES);
    }

    /** Where an entry's wrapped DEK begins within a page. */
    public static int wrappedDekOffset(int entry) {
        return entryOffset(entry) + TableEntry.WRAPPED_DEK;
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

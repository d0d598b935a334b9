package io.blockseal.format;

/**
 * Where things lie in the file that {@code header backup} writes (docs/format.md, "Header backup"): a head, the root, a
 * key slot area, one record for each table page that is not empty, and a checksum over all of it. All offsets are in
 * bytes from the start of the file.
 */
public final class BackupLayout {
    /** First eight bytes: 89 "BSB" CR LF 1A LF, so that text-mode damage shows, and nobody takes it for a volume. */
    public static final long MAGIC = 0x0a1a_0a0d_4253_4289L;
    /** The one version that this code reads and writes. */
    public static final int VERSION = 1;
    /** The head: what the file is, and how long. */
    public static final int HEAD_BYTES = 64;
    /** Where the root lies. */
    public static final int ROOT = HEAD_BYTES;
    /** Where the key slot area lies. */
    public static final int KEY_SLOTS = ROOT + MetadataLayout.BLOCK_BYTES;
    /** Where the first record begins; all before it is there in every backup. */
    public static final int RECORDS = KEY_SLOTS + KeySlotArea.AREA_BYTES;
    /** A record: the page's index, 4 bytes, and the page. */
    public static final int RECORD_BYTES = Integer.BYTES + MetadataLayout.BLOCK_BYTES;
    /** SHA-256 of everything before it ends the file. */
    public static final int TRAILER_BYTES = 32;

    static final int FILE_VERSION = Long.BYTES;
    static final int RECORD_COUNT = FILE_VERSION + Integer.BYTES;
    static final int UUID = RECORD_COUNT + Integer.BYTES;
    static final int COMMIT_SEQ = UUID + RootLayout.UUID_BYTES;
    static final int CREATED = COMMIT_SEQ + Long.BYTES;
    static final int RESERVED = CREATED + Long.BYTES;

    static {
        LayoutCheck.same("backup: UUID", UUID, 0x10);
        LayoutCheck.same("backup: created", CREATED, 0x28);
        LayoutCheck.atMost("backup: head", RESERVED, HEAD_BYTES);
        LayoutCheck.same("backup: records", RECORDS, 0x5040);
    }

    private BackupLayout() {}

    /** How long a file of so many records is. */
    public static long fileBytes(int recordCount) {
        return RECORDS + (long) recordCount * RECORD_BYTES + TRAILER_BYTES;
    }
}

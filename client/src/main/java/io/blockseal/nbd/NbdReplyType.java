package io.blockseal.nbd;

/** What a reply chunk carries ("Structured reply types"). Numbers, not an enum: unknown error types are legal. */
public final class NbdReplyType {
    /** Nothing; ends a reply. */
    public static final int NONE = 0;
    /** 64-bit offset and data. */
    public static final int OFFSET_DATA = 1;
    /** 64-bit offset and 32-bit count of bytes that read as zero. */
    public static final int OFFSET_HOLE = 2;
    /** Context and extents of 32 bits; only without extended headers. */
    public static final int BLOCK_STATUS = 5;
    /** Context and extents of 64 bits; only with extended headers. */
    public static final int BLOCK_STATUS_EXT = 6;
    /** Set in the type of every error chunk. */
    public static final int ERROR_BIT = 1 << 15;
    /** An error for the whole request. */
    public static final int ERROR = ERROR_BIT + 1;
    /** An error and where it happened. */
    public static final int ERROR_OFFSET = ERROR_BIT + 2;

    /** Says whether a chunk of this type means that the request failed. */
    public static boolean isError(int type) {
        return (type & ERROR_BIT) != 0;
    }

    private NbdReplyType() {}
}

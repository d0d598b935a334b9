package io.blockseal.nbd;

/** The 16 bits that come with every request ("Command flags"). */
public final class NbdCommandFlags {
    /** No flag. */
    public static final int NONE = 0;
    /** Answer only when the data are durable. Valid on every command once SEND_FUA was advertised. */
    public static final int FUA = 1;
    /** WRITE_ZEROES: stay provisioned. */
    public static final int NO_HOLE = 1 << 1;
    /** READ: at most one content chunk. */
    public static final int DF = 1 << 2;
    /** BLOCK_STATUS: exactly one extent, inside the request. */
    public static final int REQ_ONE = 1 << 3;
    /** WRITE_ZEROES: fast, or fail with ENOTSUP. */
    public static final int FAST_ZERO = 1 << 4;
    /** Extended headers only: the length counts payload bytes that follow the header. */
    public static final int PAYLOAD_LEN = 1 << 5;

    private NbdCommandFlags() {}
}

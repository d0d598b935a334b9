package io.blockseal.nbd;

/** The 16 bits that tell a client what an export can do ("Transmission flags"). A client ignores unknown bits. */
public final class NbdTransmissionFlags {
    /** Always set. */
    public static final int HAS_FLAGS = 1;
    /** Writes, trims and zeroes are refused. */
    public static final int READ_ONLY = 1 << 1;
    /** FLUSH may be sent. */
    public static final int SEND_FLUSH = 1 << 2;
    /** The FUA flag may be set, on every command. */
    public static final int SEND_FUA = 1 << 3;
    /** The medium behaves like a spinning disk. */
    public static final int ROTATIONAL = 1 << 4;
    /** TRIM may be sent. */
    public static final int SEND_TRIM = 1 << 5;
    /** WRITE_ZEROES and its NO_HOLE flag may be sent. */
    public static final int SEND_WRITE_ZEROES = 1 << 6;
    /** The DF flag may be set on READ; only once chunked replies were negotiated. */
    public static final int SEND_DF = 1 << 7;
    /** A flush on one connection covers what was answered on all. */
    public static final int CAN_MULTI_CONN = 1 << 8;
    /** Experimental; known here only by its number. */
    public static final int SEND_RESIZE = 1 << 9;
    /** CACHE may be sent. */
    public static final int SEND_CACHE = 1 << 10;
    /** The FAST_ZERO flag may be set on WRITE_ZEROES. */
    public static final int SEND_FAST_ZERO = 1 << 11;
    /** BLOCK_STATUS may carry a list of contexts; only once extended headers were negotiated. */
    public static final int BLOCK_STATUS_PAYLOAD = 1 << 12;

    private NbdTransmissionFlags() {}
}

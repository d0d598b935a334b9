package io.blockseal.nbd;

/** Sizes that the specification fixes, and the few that we choose where it leaves a choice. */
public final class NbdLimits {
    /** The longest string: export names, descriptions, queries and error texts. */
    public static final int MAX_STRING_BYTES = 4096;
    /**
     * The longest option payload we take in. Ours: 4096 bytes of name and a dozen long queries fit; anything larger is
     * an attack and ends the connection.
     */
    public static final int MAX_OPTION_BYTES = 64 * 1024;
    /** What both sides may assume about payloads if nobody advertised anything: 32 MiB. */
    public static final int DEFAULT_MAX_PAYLOAD_BYTES = 1 << 25;
    /** The minimum block size if nobody advertised anything. */
    public static final int DEFAULT_MIN_BLOCK_BYTES = 1;
    /** The preferred block size if nobody advertised anything. */
    public static final int DEFAULT_PREFERRED_BLOCK_BYTES = 4096;
    /** The largest minimum block size that may be advertised. */
    public static final int MAX_MIN_BLOCK_BYTES = 1 << 16;
    /** The smallest preferred block size that may be advertised. */
    public static final int MIN_PREFERRED_BLOCK_BYTES = 512;
    /** A READ with DF up to this length must be served in one chunk. */
    public static final int MIN_UNFRAGMENTED_READ_BYTES = 65536;
    /** How many extents one BLOCK_STATUS chunk should carry at most. */
    public static final int MAX_EXTENTS = 1 << 20;
    /** The largest number that an unsigned 32-bit field holds. */
    public static final long MAX_UNSIGNED_32 = 0xffff_ffffL;

    /** Greeting, second magic number and handshake flags. */
    public static final int GREETING_BYTES = 18;
    /** Client flags. */
    public static final int CLIENT_FLAGS_BYTES = 4;
    /** Magic, option, payload length. */
    public static final int OPTION_HEADER_BYTES = 16;
    /** Magic, option, reply type, payload length. */
    public static final int OPTION_REPLY_HEADER_BYTES = 20;
    /** Export size and transmission flags, the answer to EXPORT_NAME. */
    public static final int EXPORT_NAME_REPLY_BYTES = 10;
    /** Zero bytes behind that answer, unless NO_ZEROES was negotiated. */
    public static final int EXPORT_NAME_PADDING_BYTES = 124;
    /** A compact request header. */
    public static final int REQUEST_BYTES = 28;
    /** An extended request header. */
    public static final int EXTENDED_REQUEST_BYTES = 32;
    /** A simple reply without its data. */
    public static final int SIMPLE_REPLY_BYTES = 16;
    /** A structured chunk header. */
    public static final int STRUCTURED_REPLY_BYTES = 20;
    /** An extended chunk header. */
    public static final int EXTENDED_REPLY_BYTES = 32;

    private NbdLimits() {}
}

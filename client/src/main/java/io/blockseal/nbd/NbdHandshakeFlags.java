package io.blockseal.nbd;

/** The 16 bits that a server sends behind its greeting. */
public final class NbdHandshakeFlags {
    /** The server answers options it does not know, instead of closing. */
    public static final int FIXED_NEWSTYLE = 1;
    /** The server can leave out the 124 zero bytes that end an EXPORT_NAME answer. */
    public static final int NO_ZEROES = 1 << 1;

    private NbdHandshakeFlags() {}
}

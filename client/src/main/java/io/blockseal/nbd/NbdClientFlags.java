package io.blockseal.nbd;

/** The 32 bits with which a client answers the handshake flags. A server must close on any other bit. */
public final class NbdClientFlags {
    /** The client speaks fixed newstyle. */
    public static final int FIXED_NEWSTYLE = 1;
    /** The client wants no 124 zero bytes; only allowed if the server offered it. */
    public static final int NO_ZEROES = 1 << 1;
    /** Every bit that the specification defines. */
    public static final int ALL = FIXED_NEWSTYLE | NO_ZEROES;

    private NbdClientFlags() {}
}

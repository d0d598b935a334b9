package io.blockseal.nbd;

/** The magic numbers that open every message. All are sent big-endian, as everything else in the protocol. */
public final class NbdMagic {
    /** Opens the server's greeting: {@code NBDMAGIC} in ASCII. */
    public static final long GREETING = 0x4e42444d41474943L;
    /** Follows the greeting in newstyle, and opens every option of the client: {@code IHAVEOPT} in ASCII. */
    public static final long OPTION = 0x49484156454f5054L;
    /** Follows the greeting in oldstyle, which is recognised only to be refused. */
    public static final long OLDSTYLE = 0x0000420281861253L;
    /** Opens every reply to an option. */
    public static final long OPTION_REPLY = 0x0003e889045565a9L;
    /** Opens a compact request, 28 bytes. */
    public static final int REQUEST = 0x25609513;
    /** Opens an extended request, 32 bytes. */
    public static final int EXTENDED_REQUEST = 0x21e41c71;
    /** Opens a simple reply, 16 bytes. */
    public static final int SIMPLE_REPLY = 0x67446698;
    /** Opens a structured reply chunk, 20 bytes and its payload. */
    public static final int STRUCTURED_REPLY = 0x668e33ef;
    /** Opens an extended reply chunk, 32 bytes and its payload. */
    public static final int EXTENDED_REPLY = 0x6e8a278c;

    private NbdMagic() {}
}

package io.blockseal.nbd;

/** The 16 bits that come with every reply chunk. A client ignores unknown bits. */
public final class NbdReplyFlags {
    /** More chunks follow for this request. */
    public static final int NONE = 0;
    /** The last chunk of this reply. */
    public static final int DONE = 1;

    private NbdReplyFlags() {}
}

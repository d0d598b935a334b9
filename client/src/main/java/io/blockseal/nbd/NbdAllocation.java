package io.blockseal.nbd;

/** The metadata context {@code base:allocation} and its status bits. */
public final class NbdAllocation {
    /** The namespace; as a LIST_META_CONTEXT query it stands for all that is in it. */
    public static final String NAMESPACE = "base:";
    /** The context's name. */
    public static final String CONTEXT = "base:allocation";
    /** Allocated, content not known. */
    public static final int DATA = 0;
    /** Not allocated in the store. */
    public static final int HOLE = 1;
    /** Reads as zero. */
    public static final int ZERO = 1 << 1;

    private NbdAllocation() {}
}

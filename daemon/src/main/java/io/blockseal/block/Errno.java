package io.blockseal.block;

/**
 * The dozen ways in which a request can end, with their numbers on the wire and in the system.
 *
 * <p>This is the only mapping: stores turn system numbers into an {@code Errno} by {@link #fromSystem}, the server
 * writes {@link #wireValue()}. The values are those that the NBD specification lists ("Error values"); system numbers
 * are Linux's.
 */
public enum Errno {
    /** Done. */
    OK(0),
    /** Not permitted: a write to a read-only export. */
    EPERM(1),
    /** The store failed, or a key could not be used. */
    EIO(5),
    /** No memory on the server. The server never sends it on its own account. */
    ENOMEM(12),
    /** The request itself is wrong. */
    EINVAL(22),
    /** No space left on the store, or a write past the end of the export. */
    ENOSPC(28),
    /** The request is larger than can be served in one piece. */
    EOVERFLOW(75),
    /** Known, but not possible here: a fast zero that would not be fast. */
    ENOTSUP(95),
    /** The server is going away. */
    ESHUTDOWN(108);

    private final int wireValue;

    Errno(int wireValue) {
        this.wireValue = wireValue;
    }

    /** The number that goes into an NBD reply. */
    public int wireValue() {
        return wireValue;
    }

    /**
     * Maps a positive Linux error number to the nearest value that may go on the wire. Unknown numbers become
     * {@link #EIO}; {@code EDQUOT} and {@code EFBIG} become {@link #ENOSPC}; {@code EROFS} and {@code EACCES} become
     * {@link #EPERM}.
     */
    public static Errno fromSystem(int systemNumber) {
        return switch (systemNumber) {
            case 0 -> OK;
            case 1, 13, 30 -> EPERM;
            case 12 -> ENOMEM;
            case 22 -> EINVAL;
            case 27, 28, 122 -> ENOSPC;
            case 75 -> EOVERFLOW;
            case 95 -> ENOTSUP;
            case 108 -> ESHUTDOWN;
            default -> EIO;
        };
    }
}

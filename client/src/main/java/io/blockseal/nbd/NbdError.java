package io.blockseal.nbd;

/** The only error numbers that a reply may carry ("Error values"). */
public enum NbdError {
    /** No error. */
    OK(0),
    /** Not permitted. */
    EPERM(1),
    /** Input or output failed. */
    EIO(5),
    /** No memory. */
    ENOMEM(12),
    /** The request is wrong. */
    EINVAL(22),
    /** No space. */
    ENOSPC(28),
    /** Too large. */
    EOVERFLOW(75),
    /** Not supported. */
    ENOTSUP(95),
    /** The server is going away. */
    ESHUTDOWN(108);

    private final int code;

    NbdError(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The error with this number; an unexpected number counts as {@link #EINVAL}, as the specification asks. */
    public static NbdError of(int code) {
        return switch (code) {
            case 0 -> OK;
            case 1 -> EPERM;
            case 5 -> EIO;
            case 12 -> ENOMEM;
            case 28 -> ENOSPC;
            case 75 -> EOVERFLOW;
            case 95 -> ENOTSUP;
            case 108 -> ESHUTDOWN;
            default -> EINVAL;
        };
    }
}

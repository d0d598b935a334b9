package io.blockseal.server;

import io.blockseal.block.Errno;
import io.blockseal.nbd.NbdString;

/** What error replies say to people. Fixed: nothing that a client sent is ever sent back. */
final class ErrorTexts {
    private static final byte[][] TEXTS = new byte[Errno.values().length][];

    static {
        for (Errno errno : Errno.values()) {
            TEXTS[errno.ordinal()] = NbdString.encode(text(errno));
        }
    }

    private ErrorTexts() {}

    /** The text, ready for the wire; not to be changed. */
    static byte[] of(Errno errno) {
        return TEXTS[errno.ordinal()];
    }

    private static String text(Errno errno) {
        return switch (errno) {
            case OK -> "";
            case EPERM -> "the export is read-only";
            case EIO, ENOMEM -> "the storage behind the export failed";
            case EINVAL -> "the request is not valid for this export";
            case ENOSPC -> "no space left, or past the end of the export";
            case EOVERFLOW -> "the request is too large for one reply";
            case ENOTSUP -> "this would not be faster than writing";
            case ESHUTDOWN -> "the server is shutting down";
        };
    }
}

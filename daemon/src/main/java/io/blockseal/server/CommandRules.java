package io.blockseal.server;

import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.blockseal.nbd.NbdTransmissionFlags;
import org.jspecify.annotations.Nullable;

/**
 * What a connection's client may ask for: every check of a request header in one place, before anything is done.
 *
 * <p>Made once per connection from what was negotiated. Pure: no state, no I/O.
 */
@HotPath("every request header passes here")
final class CommandRules {
    private final NbdReplyStyle style;
    private final long sizeBytes;
    private final int minimumBlockBytes;
    private final int transmissionFlags;
    private final int contextCount;

    /** {@code contextCount}: how many metadata contexts were selected. */
    CommandRules(NbdReplyStyle style, long sizeBytes, int minimumBlockBytes, int transmissionFlags, int contextCount) {
        this.style = style;
        this.sizeBytes = sizeBytes;
        this.minimumBlockBytes = minimumBlockBytes;
        this.transmissionFlags = transmissionFlags;
        this.contextCount = contextCount;
    }

    /** How many bytes of payload follow the header, whether or not the request is any good; unsigned. */
    long payloadBytes(NbdRequestHeader header) {
        boolean follows = style == NbdReplyStyle.EXTENDED
                ? (header.flags() & NbdCommandFlags.PAYLOAD_LEN) != 0
                : header.type() == NbdCommand.WRITE.code();
        return follows ? header.length() : 0;
    }

    /** Whether the request may be worked on: {@link Errno#OK}, or the error to answer. */
    Errno check(@Nullable NbdCommand command, NbdRequestHeader header) {
        if (command == null) {
            return Errno.EINVAL;
        }
        if ((header.flags() & ~allowedFlags(command)) != 0) {
            return Errno.EINVAL;
        }
        return switch (command) {
            case READ -> checkRead(header);
            case WRITE -> checkWrite(header);
            case WRITE_ZEROES -> checkChange(header, Errno.ENOSPC);
            case TRIM ->
                isReadOnly() || offers(NbdTransmissionFlags.SEND_TRIM)
                        ? checkChange(header, Errno.EINVAL)
                        : Errno.EINVAL;
            // Reserved, and must be zero.
            case FLUSH -> header.offset() == 0 && header.length() == 0 ? Errno.OK : Errno.EINVAL;
            case CACHE -> checkBounds(header, Errno.EINVAL);
            case BLOCK_STATUS -> contextCount > 0 ? checkStatus(header) : Errno.EINVAL;
            case DISC, RESIZE -> Errno.EINVAL;
        };
    }

    private int allowedFlags(NbdCommand command) {
        int allowed = command.documentedFlags();
        if (!style.isChunked()) {
            allowed &= ~NbdCommandFlags.DF;
        }
        if (!mayHavePayload(command)) {
            allowed &= ~NbdCommandFlags.PAYLOAD_LEN;
        }
        if (!offers(NbdTransmissionFlags.SEND_FAST_ZERO)) {
            allowed &= ~NbdCommandFlags.FAST_ZERO;
        }
        return allowed;
    }

    private boolean mayHavePayload(NbdCommand command) {
        return command == NbdCommand.WRITE
                ? style == NbdReplyStyle.EXTENDED
                : offers(NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD);
    }

    private Errno checkStatus(NbdRequestHeader header) {
        if ((header.flags() & NbdCommandFlags.PAYLOAD_LEN) == 0) {
            return checkStatus(header.offset(), header.length());
        }
        // More numbers than contexts were selected: one is unknown, or there twice.
        boolean fits = Long.compareUnsigned(header.length(), StatusList.bytes(contextCount)) <= 0;
        return fits && StatusList.isWhole((int) header.length()) ? Errno.OK : Errno.EINVAL;
    }

    /** A BLOCK_STATUS whose length came in its payload. */
    Errno checkStatus(long offset, long length) {
        return length == 0 ? Errno.EINVAL : checkBounds(offset, length, Errno.EINVAL);
    }

    private Errno checkRead(NbdRequestHeader header) {
        Errno bounds = checkBounds(header, Errno.EINVAL);
        if (bounds != Errno.OK) {
            return bounds;
        }
        if (isTooLarge(header)) {
            // EOVERFLOW is defined for clients that know chunks; an old client gets what it knows.
            return style.isChunked() ? Errno.EOVERFLOW : Errno.EINVAL;
        }
        return Errno.OK;
    }

    private Errno checkWrite(NbdRequestHeader header) {
        if (style == NbdReplyStyle.EXTENDED && (header.flags() & NbdCommandFlags.PAYLOAD_LEN) == 0) {
            return Errno.EINVAL;
        }
        Errno change = checkChange(header, Errno.ENOSPC);
        if (change != Errno.OK) {
            return change;
        }
        return isTooLarge(header) ? Errno.EINVAL : Errno.OK;
    }

    private Errno checkChange(NbdRequestHeader header, Errno pastTheEnd) {
        return isReadOnly() ? Errno.EPERM : checkBounds(header, pastTheEnd);
    }

    private Errno checkBounds(NbdRequestHeader header, Errno pastTheEnd) {
        return checkBounds(header.offset(), header.length(), pastTheEnd);
    }

    private Errno checkBounds(long offset, long length, Errno pastTheEnd) {
        if (!NbdRequestHeader.isWithin(offset, length, sizeBytes)) {
            return pastTheEnd;
        }
        return ((offset | length) & (minimumBlockBytes - 1)) == 0 ? Errno.OK : Errno.EINVAL;
    }

    private static boolean isTooLarge(NbdRequestHeader header) {
        return Long.compareUnsigned(header.length(), NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES) > 0;
    }

    private boolean isReadOnly() {
        return offers(NbdTransmissionFlags.READ_ONLY);
    }

    private boolean offers(int flag) {
        return (transmissionFlags & flag) != 0;
    }
}

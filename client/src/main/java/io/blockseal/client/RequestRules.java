package io.blockseal.client;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.blockseal.nbd.NbdTransmissionFlags;

/** What the protocol and the handshake allow a client to send, and how large one request may be. */
final class RequestRules {
    private final NbdSession session;
    private final boolean strict;

    RequestRules(NbdSession session, boolean strict) {
        this.session = session;
        this.strict = strict;
    }

    /** An empty text, or why this request must not be sent. */
    String problem(NbdCommand command, int flags, long offset, long length) {
        if ((flags & NbdCommandFlags.PAYLOAD_LEN) != 0) {
            return "PAYLOAD_LEN is set by the client itself";
        }
        if (!strict) {
            return "";
        }
        String notOffered = notOffered(command, flags);
        if (!notOffered.isEmpty() || command == NbdCommand.FLUSH) {
            return notOffered;
        }
        if (length == 0) {
            return command + " of 0 bytes has no defined result";
        }
        if (!NbdRequestHeader.isWithin(offset, length, session.sizeBytes())) {
            return command + " of " + Long.toUnsignedString(length) + " bytes at " + Long.toUnsignedString(offset)
                    + " reaches outside the export of " + Long.toUnsignedString(session.sizeBytes()) + " bytes";
        }
        int minimum = session.blockSizes().minimum();
        if (((offset | length) & (minimum - 1)) != 0) {
            return command + " of " + length + " bytes at " + offset + " is not in blocks of " + minimum
                    + " bytes, which the server demands";
        }
        return "";
    }

    private String notOffered(NbdCommand command, int flags) {
        if ((flags & ~command.documentedFlags()) != 0) {
            return command + " has no flag 0x" + Integer.toHexString(flags & ~command.documentedFlags());
        }
        int needed =
                switch (command) {
                    case FLUSH -> NbdTransmissionFlags.SEND_FLUSH;
                    case TRIM -> NbdTransmissionFlags.SEND_TRIM;
                    case CACHE -> NbdTransmissionFlags.SEND_CACHE;
                    case WRITE_ZEROES -> NbdTransmissionFlags.SEND_WRITE_ZEROES;
                    default -> 0;
                };
        if (!session.has(needed)) {
            return "the server does not offer " + command;
        }
        if ((flags & NbdCommandFlags.FUA) != 0 && !session.has(NbdTransmissionFlags.SEND_FUA)) {
            return "the server does not offer FUA";
        }
        if ((flags & NbdCommandFlags.DF) != 0 && !session.has(NbdTransmissionFlags.SEND_DF)) {
            return "the server does not offer DF";
        }
        if ((flags & NbdCommandFlags.FAST_ZERO) != 0 && !session.has(NbdTransmissionFlags.SEND_FAST_ZERO)) {
            return "the server does not offer FAST_ZERO";
        }
        boolean writes =
                command == NbdCommand.WRITE || command == NbdCommand.TRIM || command == NbdCommand.WRITE_ZEROES;
        if (writes && session.has(NbdTransmissionFlags.READ_ONLY)) {
            return "the export is read-only";
        }
        if (command == NbdCommand.BLOCK_STATUS && session.contexts().isEmpty()) {
            return "no metadata context was agreed on";
        }
        return "";
    }

    /**
     * The most bytes that one request of this command may have; a multiple of the minimum block size. Data are held to
     * 32 MiB even if the server takes more: every server takes that, and one request should not fill the whole budget.
     */
    long largestLength(NbdCommand command) {
        NbdBlockSizes sizes = session.blockSizes();
        if (command == NbdCommand.READ || command == NbdCommand.WRITE) {
            long most = Math.min(sizes.maximumPayload(), NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES);
            return Math.max(most - most % sizes.minimum(), sizes.minimum());
        }
        if (session.style() == NbdReplyStyle.EXTENDED) {
            return Long.MAX_VALUE;
        }
        long block = Math.max(sizes.minimum(), NbdLimits.DEFAULT_PREFERRED_BLOCK_BYTES);
        return NbdLimits.MAX_UNSIGNED_32 - NbdLimits.MAX_UNSIGNED_32 % block;
    }
}

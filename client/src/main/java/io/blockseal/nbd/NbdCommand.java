package io.blockseal.nbd;

import org.jspecify.annotations.Nullable;

/** What a request asks for ("Request types"), and which flags the specification allows with it. */
public enum NbdCommand {
    /** Reads. */
    READ(0, NbdCommandFlags.FUA | NbdCommandFlags.DF),
    /** Writes the payload that follows the header. */
    WRITE(1, NbdCommandFlags.FUA | NbdCommandFlags.PAYLOAD_LEN),
    /** Says good-bye; has no reply. */
    DISC(2, NbdCommandFlags.FUA),
    /** Makes durable what was answered before. */
    FLUSH(3, NbdCommandFlags.FUA),
    /** Gives space back; the content is then undefined. */
    TRIM(4, NbdCommandFlags.FUA),
    /** Hints that a part will be read soon. */
    CACHE(5, NbdCommandFlags.FUA),
    /** Writes zeroes without sending them. */
    WRITE_ZEROES(6, NbdCommandFlags.FUA | NbdCommandFlags.NO_HOLE | NbdCommandFlags.FAST_ZERO),
    /** Asks where data and holes are. */
    BLOCK_STATUS(7, NbdCommandFlags.FUA | NbdCommandFlags.REQ_ONE | NbdCommandFlags.PAYLOAD_LEN),
    /** Experimental; known here only by its number. */
    RESIZE(8, NbdCommandFlags.FUA);

    private static final NbdCommand[] BY_CODE = {
        READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, RESIZE
    };

    private final int code;
    private final int documentedFlags;

    NbdCommand(int code, int documentedFlags) {
        this.code = code;
        this.documentedFlags = documentedFlags;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /**
     * The flags that the specification documents for this command, whatever was negotiated. Whether a peer may use
     * them (FUA without SEND_FUA, PAYLOAD_LEN without extended headers) is for the caller to know.
     */
    public int documentedFlags() {
        return documentedFlags;
    }

    /** The command with this number, or null if the specification has none. Allocates nothing. */
    public static @Nullable NbdCommand of(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }
}

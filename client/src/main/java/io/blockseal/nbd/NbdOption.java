package io.blockseal.nbd;

import org.jspecify.annotations.Nullable;

/** What a client may ask for during the handshake ("Option types"). */
public enum NbdOption {
    /** Chooses an export and enters transmission; cannot fail but by closing. */
    EXPORT_NAME(1),
    /** Ends the session politely. */
    ABORT(2),
    /** Lists the exports. */
    LIST(3),
    /** Withdrawn; to be answered as unknown. */
    PEEK_EXPORT(4),
    /** Turns to TLS and forgets everything negotiated before. */
    STARTTLS(5),
    /** Describes an export. */
    INFO(6),
    /** Describes an export and enters transmission. */
    GO(7),
    /** Asks for structured replies. */
    STRUCTURED_REPLY(8),
    /** Lists metadata contexts. */
    LIST_META_CONTEXT(9),
    /** Selects metadata contexts, in place of all selected before. */
    SET_META_CONTEXT(10),
    /** Asks for 64-bit headers, in place of structured replies. */
    EXTENDED_HEADERS(11);

    private static final NbdOption[] BY_CODE = {
        EXPORT_NAME,
        ABORT,
        LIST,
        PEEK_EXPORT,
        STARTTLS,
        INFO,
        GO,
        STRUCTURED_REPLY,
        LIST_META_CONTEXT,
        SET_META_CONTEXT,
        EXTENDED_HEADERS
    };

    private final int code;

    NbdOption(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The option with this number, or null if the specification has none. */
    public static @Nullable NbdOption of(int code) {
        return code >= 1 && code <= BY_CODE.length ? BY_CODE[code - 1] : null;
    }
}

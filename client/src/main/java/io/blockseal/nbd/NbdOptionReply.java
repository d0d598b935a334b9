package io.blockseal.nbd;

import org.jspecify.annotations.Nullable;

/** How a server answers an option ("Option reply types"). Errors have bit 31 set and may carry a text. */
public enum NbdOptionReply {
    /** Done. */
    ACK(1),
    /** One export of a listing. */
    SERVER(2),
    /** One piece of information about an export. */
    INFO(3),
    /** One metadata context. */
    META_CONTEXT(4),
    /** The option is not known here. */
    ERR_UNSUP(error(1)),
    /** Known, but forbidden by the server's policy. */
    ERR_POLICY(error(2)),
    /** Malformed, or wrong at this moment. */
    ERR_INVALID(error(3)),
    /** Not possible on the server's platform. */
    ERR_PLATFORM(error(4)),
    /** TLS first. */
    ERR_TLS_REQD(error(5)),
    /** No such export. */
    ERR_UNKNOWN(error(6)),
    /** The server is going away. */
    ERR_SHUTDOWN(error(7)),
    /** The client has to ask for the block sizes first. */
    ERR_BLOCK_SIZE_REQD(error(8)),
    /** The request or its answer is too large. */
    ERR_TOO_BIG(error(9)),
    /** Extended headers first, or in force already. */
    ERR_EXT_HEADER_REQD(error(10));

    private static final int ERROR_BIT = 1 << 31;

    private final int code;

    NbdOptionReply(int code) {
        this.code = code;
    }

    private static int error(int number) {
        // The constant cannot be named here: enum constants are made before static fields.
        return (1 << 31) | number;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** Says whether this answer ends the option with a refusal. */
    public boolean isError() {
        return isError(code);
    }

    /** Says whether a reply with this number is a refusal, known or not. */
    public static boolean isError(int code) {
        return (code & ERROR_BIT) != 0;
    }

    /** The reply with this number, or null if the specification has none. */
    public static @Nullable NbdOptionReply of(int code) {
        for (NbdOptionReply reply : values()) {
            if (reply.code == code) {
                return reply;
            }
        }
        return null;
    }
}

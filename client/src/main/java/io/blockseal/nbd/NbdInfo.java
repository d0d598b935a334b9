package io.blockseal.nbd;

import org.jspecify.annotations.Nullable;

/** The kinds of information that INFO and GO can ask for. */
public enum NbdInfo {
    /** Size and transmission flags; always sent. */
    EXPORT(0),
    /** The export's canonical name. */
    NAME(1),
    /** A text for people. */
    DESCRIPTION(2),
    /** Minimum, preferred and largest sizes; who asks for them promises to obey. */
    BLOCK_SIZE(3);

    private static final NbdInfo[] BY_CODE = {EXPORT, NAME, DESCRIPTION, BLOCK_SIZE};

    private final int code;

    NbdInfo(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The information with this number, or null if the specification has none. */
    public static @Nullable NbdInfo of(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }
}

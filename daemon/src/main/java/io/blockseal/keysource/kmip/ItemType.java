package io.blockseal.keysource.kmip;

import org.jspecify.annotations.Nullable;

/** How an item's value is written, and how long it may be (KMIP 1.4, 9.1.1.2 and 9.1.1.3). */
enum ItemType {
    /** Items one after the other. */
    STRUCTURE(1, -1),
    /** 32 bits, signed. */
    INTEGER(2, 4),
    /** 64 bits, signed. */
    LONG_INTEGER(3, 8),
    /** Whole groups of eight bytes. */
    BIG_INTEGER(4, -1),
    /** One of a list of numbers. */
    ENUMERATION(5, 4),
    /** 0 or 1, in eight bytes. */
    BOOLEAN(6, 8),
    /** UTF-8, without an end mark. */
    TEXT_STRING(7, -1),
    /** Bytes. */
    BYTE_STRING(8, -1),
    /** Seconds since 1970. */
    DATE_TIME(9, 8),
    /** A number of seconds. */
    INTERVAL(10, 4),
    /** Microseconds since 1970; of KMIP 2.0. */
    DATE_TIME_EXTENDED(11, 8);

    private final int code;
    private final int lengthBytes;

    ItemType(int code, int lengthBytes) {
        this.code = code;
        this.lengthBytes = lengthBytes;
    }

    /** The number on the wire. */
    int code() {
        return code;
    }

    /** Whether a value of this type may have that length. */
    boolean mayHave(int bytes) {
        boolean groups = this == STRUCTURE || this == BIG_INTEGER;
        return lengthBytes < 0 ? !groups || bytes % TtlvItem.ALIGNMENT == 0 : bytes == lengthBytes;
    }

    /** By its number; null if there is none. */
    static @Nullable ItemType of(int code) {
        return code >= 1 && code <= values().length ? values()[code - 1] : null;
    }
}

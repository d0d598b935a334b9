package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException.Kind;

/** What a function of a module can return (PKCS#11 2.40, 5.1), and what kind of trouble that is to us. */
enum Ckr {
    OK(0, Kind.UNREACHABLE),
    HOST_MEMORY(0x02, Kind.THROTTLED),
    SLOT_ID_INVALID(0x03, Kind.UNREACHABLE),
    GENERAL_ERROR(0x05, Kind.UNREACHABLE),
    FUNCTION_FAILED(0x06, Kind.UNREACHABLE),
    ARGUMENTS_BAD(0x07, Kind.MISCONFIGURED),
    ATTRIBUTE_SENSITIVE(0x11, Kind.MISCONFIGURED),
    ATTRIBUTE_TYPE_INVALID(0x12, Kind.MISCONFIGURED),
    ACTION_PROHIBITED(0x1b, Kind.REFUSED),
    DATA_INVALID(0x20, Kind.UNREACHABLE),
    DEVICE_ERROR(0x30, Kind.UNREACHABLE),
    DEVICE_MEMORY(0x31, Kind.THROTTLED),
    DEVICE_REMOVED(0x32, Kind.UNREACHABLE),
    ENCRYPTED_DATA_INVALID(0x40, Kind.UNREACHABLE),
    ENCRYPTED_DATA_LEN_RANGE(0x41, Kind.UNREACHABLE),
    AEAD_DECRYPT_FAILED(0x42, Kind.UNREACHABLE),
    FUNCTION_NOT_SUPPORTED(0x54, Kind.MISCONFIGURED),
    KEY_HANDLE_INVALID(0x60, Kind.UNREACHABLE),
    KEY_SIZE_RANGE(0x62, Kind.MISCONFIGURED),
    KEY_TYPE_INCONSISTENT(0x63, Kind.MISCONFIGURED),
    KEY_FUNCTION_NOT_PERMITTED(0x68, Kind.REFUSED),
    MECHANISM_INVALID(0x70, Kind.MISCONFIGURED),
    MECHANISM_PARAM_INVALID(0x71, Kind.MISCONFIGURED),
    OBJECT_HANDLE_INVALID(0x82, Kind.UNREACHABLE),
    PIN_INCORRECT(0xa0, Kind.MISCONFIGURED),
    PIN_INVALID(0xa1, Kind.MISCONFIGURED),
    PIN_LEN_RANGE(0xa2, Kind.MISCONFIGURED),
    PIN_EXPIRED(0xa3, Kind.MISCONFIGURED),
    PIN_LOCKED(0xa4, Kind.MISCONFIGURED),
    SESSION_CLOSED(0xb0, Kind.UNREACHABLE),
    SESSION_COUNT(0xb1, Kind.THROTTLED),
    SESSION_HANDLE_INVALID(0xb3, Kind.UNREACHABLE),
    TOKEN_NOT_PRESENT(0xe0, Kind.UNREACHABLE),
    TOKEN_NOT_RECOGNIZED(0xe1, Kind.UNREACHABLE),
    USER_ALREADY_LOGGED_IN(0x100, Kind.UNREACHABLE),
    USER_NOT_LOGGED_IN(0x101, Kind.UNREACHABLE),
    USER_PIN_NOT_INITIALIZED(0x102, Kind.MISCONFIGURED),
    CRYPTOKI_NOT_INITIALIZED(0x190, Kind.UNREACHABLE),
    CRYPTOKI_ALREADY_INITIALIZED(0x191, Kind.UNREACHABLE),
    /** One that is not in this list. */
    UNLISTED(-1, Kind.UNREACHABLE);

    private final long code;
    private final Kind kind;

    Ckr(long code, Kind kind) {
        this.code = code;
        this.kind = kind;
    }

    /** By its number. */
    static Ckr of(long code) {
        for (Ckr ckr : values()) {
            if (ckr.code == code) {
                return ckr;
            }
        }
        return UNLISTED;
    }

    long code() {
        return code;
    }

    Kind kind() {
        return kind;
    }
}

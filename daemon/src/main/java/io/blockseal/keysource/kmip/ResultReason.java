package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException.Kind;

/**
 * Why an operation failed (KMIP 1.4, 9.1.3.2.29; from 0x19 on KMIP 2.0, 11.51), and what that says of the key. About the
 * key is what a server says of this object and this user; that it does not know us, or is broken, says nothing of it.
 */
enum ResultReason {
    ITEM_NOT_FOUND(0x01, Kind.REFUSED, "Item Not Found"),
    RESPONSE_TOO_LARGE(0x02, Kind.MISCONFIGURED, "Response Too Large"),
    AUTHENTICATION_NOT_SUCCESSFUL(0x03, Kind.UNREACHABLE, "Authentication Not Successful"),
    INVALID_MESSAGE(0x04, Kind.MISCONFIGURED, "Invalid Message"),
    OPERATION_NOT_SUPPORTED(0x05, Kind.MISCONFIGURED, "Operation Not Supported"),
    MISSING_DATA(0x06, Kind.MISCONFIGURED, "Missing Data"),
    INVALID_FIELD(0x07, Kind.MISCONFIGURED, "Invalid Field"),
    FEATURE_NOT_SUPPORTED(0x08, Kind.MISCONFIGURED, "Feature Not Supported"),
    CRYPTOGRAPHIC_FAILURE(0x0A, Kind.UNREACHABLE, "Cryptographic Failure"),
    ILLEGAL_OPERATION(0x0B, Kind.REFUSED, "Illegal Operation"),
    PERMISSION_DENIED(0x0C, Kind.REFUSED, "Permission Denied"),
    OBJECT_ARCHIVED(0x0D, Kind.REFUSED, "Object Archived"),
    KEY_VALUE_NOT_PRESENT(0x13, Kind.REFUSED, "Key Value Not Present"),
    ATTESTATION_REQUIRED(0x14, Kind.UNREACHABLE, "Attestation Required"),
    ATTESTATION_FAILED(0x15, Kind.UNREACHABLE, "Attestation Failed"),
    USAGE_LIMIT_EXCEEDED(0x1A, Kind.REFUSED, "Usage Limit Exceeded"),
    BAD_CRYPTOGRAPHIC_PARAMETERS(0x24, Kind.MISCONFIGURED, "Bad Cryptographic Parameters"),
    BAD_PASSWORD(0x25, Kind.UNREACHABLE, "Bad Password"),
    ILLEGAL_OBJECT_TYPE(0x28, Kind.MISCONFIGURED, "Illegal Object Type"),
    INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK(0x29, Kind.REFUSED, "Incompatible Cryptographic Usage Mask"),
    INTERNAL_SERVER_ERROR(0x2A, Kind.UNREACHABLE, "Internal Server Error"),
    INVALID_OBJECT_TYPE(0x30, Kind.MISCONFIGURED, "Invalid Object Type"),
    OBJECT_DESTROYED(0x36, Kind.REFUSED, "Object Destroyed"),
    OBJECT_NOT_FOUND(0x37, Kind.REFUSED, "Object Not Found"),
    NOT_AUTHORISED(0x39, Kind.REFUSED, "Not Authorised"),
    SERVER_LIMIT_EXCEEDED(0x3A, Kind.THROTTLED, "Server Limit Exceeded"),
    UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS(0x3E, Kind.MISCONFIGURED, "Unsupported Cryptographic Parameters"),
    UNSUPPORTED_PROTOCOL_VERSION(0x3F, Kind.MISCONFIGURED, "Unsupported Protocol Version"),
    WRONG_KEY_LIFECYCLE_STATE(0x43, Kind.REFUSED, "Wrong Key Lifecycle State"),
    PROTECTION_STORAGE_UNAVAILABLE(0x44, Kind.UNREACHABLE, "Protection Storage Unavailable"),
    GENERAL_FAILURE(0x100, Kind.UNREACHABLE, "General Failure"),
    /** Of a number that is not listed: it says nothing that we understand. */
    OTHER(0, Kind.UNREACHABLE, "another reason");

    private final int code;
    private final Kind kind;
    private final String words;

    ResultReason(int code, Kind kind, String words) {
        this.code = code;
        this.kind = kind;
        this.words = words;
    }

    /** By its number. */
    static ResultReason of(int code) {
        for (ResultReason each : values()) {
            if (each.code == code) {
                return each;
            }
        }
        return OTHER;
    }

    /** What it means for whoever needs the key. */
    Kind kind() {
        return kind;
    }

    /** Whether it may be another one a moment later: then we ask again. */
    boolean mayPass() {
        return switch (this) {
            case CRYPTOGRAPHIC_FAILURE,
                    INTERNAL_SERVER_ERROR,
                    PROTECTION_STORAGE_UNAVAILABLE,
                    GENERAL_FAILURE,
                    SERVER_LIMIT_EXCEEDED,
                    OTHER -> true;
            default -> false;
        };
    }

    /** Whether Decrypt may be answered so because the ciphertext or its tag is not of this key: servers differ. */
    boolean mayBeWrongKey() {
        return this == CRYPTOGRAPHIC_FAILURE || this == GENERAL_FAILURE || this == INVALID_FIELD || this == OTHER;
    }

    @Override
    public String toString() {
        return words;
    }
}

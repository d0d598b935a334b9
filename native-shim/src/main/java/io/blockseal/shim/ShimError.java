package io.blockseal.shim;

/**
 * The negative results of {@link Shim} that mean something of their own; every other one is a negated Linux error number
 * from a system call.
 */
public final class ShimError {
    /** Arguments out of range. */
    public static final int INVALID = -22;
    /** libcrypto refused what it must not refuse; a buffer in work is undefined. */
    public static final int CRYPTO_FAILED = -5;
    /** Every key slot is taken. */
    public static final int NO_SLOT = -28;
    /** The library is not initialised. */
    public static final int NOT_READY = -38;
    /** Authentication failed: wrong key, or altered bytes. */
    public static final int BAD_TAG = -74;
    /** The slot holds no key, or a shorter one than asked for. */
    public static final int KEY_EMPTY = -126;
    /** The handle was freed. */
    public static final int KEY_STALE = -128;
    /** An XTS key whose halves are equal. */
    public static final int KEY_REJECTED = -129;

    private ShimError() {}

    /** Words for a negative result. */
    public static String describe(long result) {
        return switch ((int) result) {
            case INVALID -> "arguments out of range (EINVAL)";
            case CRYPTO_FAILED -> "input/output error, or libcrypto failed (EIO)";
            case NO_SLOT -> "no space, or every key slot is taken (ENOSPC)";
            case NOT_READY -> "not initialised, or not supported by the kernel (ENOSYS)";
            case BAD_TAG -> "authentication failed: wrong key or altered bytes (EBADMSG)";
            case KEY_EMPTY -> "the key slot is empty or its key is shorter (ENOKEY)";
            case KEY_STALE -> "the key was freed (EKEYREVOKED)";
            case KEY_REJECTED -> "the halves of the XTS key are equal (EKEYREJECTED)";
            default -> "system error " + -result;
        };
    }
}

package io.blockseal.crypto.nativ;

import io.blockseal.shim.ShimError;

/** Turns the shim's negative results into the exceptions that engines throw. */
final class Result {
    private Result() {}

    /** The result itself, if it is one. */
    static int check(int result) {
        if (result < 0) {
            throw failure(result);
        }
        return result;
    }

    /** The result itself, if it is one. */
    static long check(long result) {
        if (result < 0) {
            throw failure((int) result);
        }
        return result;
    }

    private static RuntimeException failure(int result) {
        return switch (result) {
            case ShimError.KEY_REJECTED ->
                new IllegalArgumentException("the two halves of a 64-byte key are equal, which XTS forbids");
            case ShimError.INVALID -> new IllegalArgumentException(ShimError.describe(result));
            case ShimError.NO_SLOT -> new IllegalStateException("all key slots are taken");
            case ShimError.KEY_STALE -> new IllegalStateException("this key was freed, or never was");
            case ShimError.KEY_EMPTY -> new IllegalStateException("the key slot is empty, or its key is shorter");
            default -> new IllegalStateException("native engine: " + ShimError.describe(result));
        };
    }
}

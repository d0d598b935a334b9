package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.pkcs11.Functions.Function;

/** A function of a module has returned something else than {@code CKR_OK}. */
final class CkException extends Exception {
    private final Ckr ckr;

    CkException(Function function, long code) {
        super(function + " gives " + name(code));
        this.ckr = Ckr.of(code);
    }

    /** It worked, but what it gave cannot be. */
    CkException(Function function, String oddity) {
        super(function + " gives " + oddity);
        this.ckr = Ckr.MECHANISM_INVALID;
    }

    Ckr ckr() {
        return ckr;
    }

    private static String name(long code) {
        Ckr ckr = Ckr.of(code);
        String number = "0x" + Long.toHexString(code);
        return ckr == Ckr.UNLISTED ? "CKR " + number : "CKR_" + ckr + " (" + number + ")";
    }
}

package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException;

/** The PIN at hand is not the token's: as definite as a wrong passphrase, and nothing to be tried again. */
final class PinException extends KeySourceException {
    PinException(String message) {
        super(Kind.MISCONFIGURED, message);
    }

    PinException(String message, Throwable cause) {
        super(Kind.MISCONFIGURED, message, cause);
    }
}

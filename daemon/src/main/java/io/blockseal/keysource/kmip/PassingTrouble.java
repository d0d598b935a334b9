package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException;

/** Trouble that may be over a moment later: {@link KmipServer} asks again before anybody hears of it. */
final class PassingTrouble extends KeySourceException {
    private static final long serialVersionUID = 1;

    PassingTrouble(Kind kind, String message) {
        super(kind, message);
    }

    PassingTrouble(Kind kind, String message, Throwable cause) {
        super(kind, message, cause);
    }
}

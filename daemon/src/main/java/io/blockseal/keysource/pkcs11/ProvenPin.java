package io.blockseal.keysource.pkcs11;

import org.jspecify.annotations.Nullable;

/**
 * By which PIN this process is logged in to a token, however many names sources have for it: to the token it is one
 * application, whose later logins are answered without a look at their PIN. Only what the token itself has taken counts as
 * proven. From any thread; one logs in at a time.
 */
final class ProvenPin {
    /** Shows a PIN to the token. */
    @FunctionalInterface
    interface Showing {
        /** Whether the token has looked at it, and taken it; not so if it says that somebody is logged in already. */
        boolean isTaken() throws CkException;
    }

    private byte @Nullable [] mark;

    /** The mark of the PIN; each login has one of its own. Null before the first. */
    synchronized byte @Nullable [] mark() {
        return mark;
    }

    /** Logs in by the PIN of that mark; false if we are logged in by another one, or by one that nobody knows. */
    synchronized boolean logIn(byte[] shown, Showing showing) throws CkException {
        if (showing.isTaken()) {
            mark = shown;
            return true;
        }
        return isOf(shown);
    }

    /** Whether the PIN of that mark is the one. */
    synchronized boolean isOf(byte[] other) {
        byte[] own = mark;
        return own != null && PinMemory.isSame(own, other);
    }
}

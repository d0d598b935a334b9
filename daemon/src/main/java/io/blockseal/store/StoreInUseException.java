package io.blockseal.store;

import io.blockseal.block.Errno;

/** Somebody else holds the store's lock; nothing is wrong with it, and nothing was changed. */
public final class StoreInUseException extends StoreException {
    /** Who has it and what to do, in words for an operator. */
    public StoreInUseException(String message) {
        super(Errno.EPERM, message);
    }
}

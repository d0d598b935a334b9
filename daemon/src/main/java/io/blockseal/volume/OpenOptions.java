package io.blockseal.volume;

import org.jspecify.annotations.Nullable;

/**
 * How to open a volume.
 *
 * @param readOnly change nothing, not even to heal
 * @param expectIdentity the identity that the volume must have, in hex, or null
 * @param keySlot the only key slot to try, or -1 for all in order
 * @param acceptRollback open although the metadata, or part of the table, was put back from an older copy
 * @param trustIdentity open although this host remembers another identity, or none where it ought to know one
 * @param dekCacheKeys how many DEKs one loop's cache holds
 */
public record OpenOptions(
        boolean readOnly,
        @Nullable String expectIdentity,
        int keySlot,
        boolean acceptRollback,
        boolean trustIdentity,
        int dekCacheKeys) {
    /** What all loops together keep by default. */
    public static final int DEK_CACHE_KEYS_TOTAL = 8192;

    /** For reading and writing, any slot, 1024 keys a loop. */
    public static final OpenOptions DEFAULT = new OpenOptions(false, null, -1, false, false, DEK_CACHE_KEYS_TOTAL / 8);

    /** Checks the numbers. */
    public OpenOptions {
        if (dekCacheKeys < 1) {
            throw new IllegalArgumentException("a cache of " + dekCacheKeys + " keys");
        }
    }

    /** The same, for reading alone. */
    public OpenOptions forReading() {
        return new OpenOptions(true, expectIdentity, keySlot, acceptRollback, trustIdentity, dekCacheKeys);
    }

    /** The same, demanding an identity. */
    public OpenOptions expecting(@Nullable String identity) {
        return new OpenOptions(readOnly, identity, keySlot, acceptRollback, trustIdentity, dekCacheKeys);
    }

    /** The same, trying one key slot only. */
    public OpenOptions withKeySlot(int slot) {
        return new OpenOptions(readOnly, expectIdentity, slot, acceptRollback, trustIdentity, dekCacheKeys);
    }

    /** The same, taking rolled-back metadata for granted. */
    public OpenOptions acceptingRollback() {
        return new OpenOptions(readOnly, expectIdentity, keySlot, true, trustIdentity, dekCacheKeys);
    }

    /** The same, taking the identity that is found for the right one. */
    public OpenOptions trustingIdentity() {
        return new OpenOptions(readOnly, expectIdentity, keySlot, acceptRollback, true, dekCacheKeys);
    }

    /** The same, with the caches split over so many loops. */
    public OpenOptions forLoops(int loopCount) {
        return new OpenOptions(
                readOnly,
                expectIdentity,
                keySlot,
                acceptRollback,
                trustIdentity,
                Math.max(1, DEK_CACHE_KEYS_TOTAL / Math.max(1, loopCount)));
    }
}

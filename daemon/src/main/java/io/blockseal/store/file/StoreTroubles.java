package io.blockseal.store.file;

/**
 * What a store tells of the calls for guests that fail.
 *
 * @param reads those that only look
 * @param writes those that change the file
 */
record StoreTroubles(CallTrouble reads, CallTrouble writes) {
    /** For the store that messages call {@code name}. */
    static StoreTroubles of(String name) {
        return new StoreTroubles(
                new CallTrouble(name, "reads", System::nanoTime), new CallTrouble(name, "writes", System::nanoTime));
    }
}

package io.blockseal.server.tls;

/**
 * Weighs the records of a connection that have no data for NBD against those that have. A few are nothing unusual: a
 * change of keys, a warning, an empty record. Whoever sends many wants to keep us busy, or wants the answers that TLS gives
 * to some of them to pile up. On the loop.
 */
final class EmptyRecords {
    /** So many more than have data are put up with. */
    static final int MAX = 32;

    /** None needs more, unless it is filled up, or has many messages: then it counts as many. */
    private static final int BYTES = 64;

    private int weight;

    /** One more record has been deciphered; says whether the connection has to end now. */
    boolean isOneTooMany(int recordBytes, boolean hadData) {
        weight = hadData ? Math.max(0, weight - 1) : weight + 1 + recordBytes / BYTES;
        return weight > MAX;
    }
}

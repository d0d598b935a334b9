package io.blockseal.metrics;

import java.util.Locale;

/**
 * Why a connection was closed for what came over TLS after its handshake. The words are labels of a metric and never
 * change.
 */
public enum TlsBreach {
    /** It wanted to negotiate TLS anew, which no client of ours needs. */
    RENEGOTIATION,
    /** It sent many records that had no data. */
    EMPTY_RECORDS,
    /** What came is not what TLS says: a record that was changed on the way, or something out of its place. */
    OTHER;

    /** The word in the metric, as in {@code empty-records}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.blockseal.metrics;

import java.util.Locale;

/** By which limit a connection was ended that had been let in. The words are labels of a metric and never change. */
public enum CutOff {
    /** It took too long to open an export. */
    HANDSHAKE_TIME,
    /** It sent more than a handshake has: an option that is too long, or too many of them. */
    HANDSHAKE_SIZE,
    /** It announced a payload that is too large even to be swallowed. */
    PAYLOAD_SIZE,
    /** It sat on buffers that others waited for, and did not move. */
    STALLED,
    /** The system gave it up: its host does not answer, or has had no room for too long for what was sent to it. */
    UNREACHABLE;

    /** The word in the metric, as in {@code handshake-time}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

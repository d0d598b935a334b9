package io.blockseal.config;

/** When the DEKs of a volume's ranges may be destroyed, and with them what lies there. */
public enum ShredPolicy {
    /** When guests have discarded all of a range, and when an operator says so. */
    ON_DISCARD,
    /** Only when an operator says so. */
    MANUAL,
    /** Never while it is served. */
    OFF
}

package io.blockseal.config;

/** How much the daemon tells on stderr. */
public enum LogLevel {
    /** What somebody must act on now. */
    ERROR,
    /** And what needs somebody one day. */
    WARN,
    /** And the life of the daemon, one line a change. */
    INFO,
    /** And the causes of errors, with stack traces. */
    DEBUG
}

package io.blockseal.config;

/**
 * How much clients may ask of one export, all of them together.
 *
 * @param requestsPerSecond at most; 0 for any number
 * @param bytesPerSecond read and written, at most; 0 for any number
 */
public record IoLimit(long requestsPerSecond, long bytesPerSecond) {
    /** As much as they please. */
    public static final IoLimit NONE = new IoLimit(0, 0);
}

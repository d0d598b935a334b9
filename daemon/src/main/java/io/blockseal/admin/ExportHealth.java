package io.blockseal.admin;

/**
 * How one export is, for {@code /readyz} and {@code /metrics}.
 *
 * @param export its name
 * @param state its volume's state, one of {@code opening, open, locked, failed, closed, erased}
 * @param sizeBytes what clients see, or 0 while it is not open
 * @param dekCacheHits requests that found their DEK unwrapped, over all loops
 * @param dekCacheMisses requests for which a DEK had to be unwrapped
 * @param dekCacheEvictions DEKs wiped to make room for others
 * @param storeLosses how often a flush of its stores failed
 * @param storeTroubled whether its storage looks unwell just now: the last flush failed, or a call does not come back
 * @param ringRequests reads and writes that went through an io_uring to its storage
 * @param mirror how its metadata mirror is
 * @param metadataRecoveries how often its metadata was made whole again while it was served
 * @param overdueKeys how many ranges had a key beyond the limits of the configuration when that was looked at last
 * @param key whether its key source would still open it
 */
public record ExportHealth(
        String export,
        String state,
        long sizeBytes,
        long dekCacheHits,
        long dekCacheMisses,
        long dekCacheEvictions,
        long storeLosses,
        boolean storeTroubled,
        long ringRequests,
        Mirror mirror,
        long metadataRecoveries,
        long overdueKeys,
        KeyHealth key) {
    /** How a metadata mirror is. */
    public enum Mirror {
        /** There is none. */
        NONE,
        /** It has what the volume has. */
        UP,
        /** It failed, and is tried again. */
        DOWN
    }

    /** The state in which requests are served. */
    public static final String OPEN = "open";

    /** The state of one that an operator has erased: no longer anybody's business. */
    public static final String ERASED = "erased";

    /** Of an export whose storage never failed. */
    public ExportHealth(
            String export,
            String state,
            long sizeBytes,
            long dekCacheHits,
            long dekCacheMisses,
            long dekCacheEvictions) {
        this(
                export,
                state,
                sizeBytes,
                dekCacheHits,
                dekCacheMisses,
                dekCacheEvictions,
                0,
                false,
                0,
                Mirror.NONE,
                0,
                0,
                KeyHealth.NONE);
    }

    /** Of an export whose volume is not open, for want of a key that lies elsewhere. */
    public static ExportHealth unopened(String export, KeyHealth key) {
        return new ExportHealth(export, "opening", 0, 0, 0, 0, 0, false, 0, Mirror.NONE, 0, 0, key);
    }

    /** Whether clients are served. */
    public boolean ready() {
        return state.equals(OPEN);
    }
}

package io.blockseal.export;

import org.jspecify.annotations.Nullable;

/**
 * Who uses an export: how many clients have opened it, and whether somebody wants it without any, as a copy of the whole
 * disk does. From any thread.
 */
public final class ExportClients {
    /** Nobody gets in as long as this is not closed. */
    public interface Closed extends AutoCloseable {
        @Override
        void close();
    }

    private int count;
    private @Nullable String closedBecause;

    /**
     * A client opens the export.
     *
     * @return null if it may, and then it is counted until {@link #leave}; else why it may not, in words that it is sent
     */
    public synchronized @Nullable String enter() {
        if (closedBecause == null) {
            count++;
        }
        return closedBecause;
    }

    /** A client that was let in is gone, and nothing of it is under way any more. */
    public synchronized void leave() {
        count--;
    }

    /** Why nobody gets in at present; null if clients do. */
    public synchronized @Nullable String closedBecause() {
        return closedBecause;
    }

    /** How many have it open. */
    public synchronized int count() {
        return count;
    }

    /**
     * Lets nobody in until the answer is closed.
     *
     * @param because what clients are told
     * @return null if somebody is in, or somebody else has closed it already
     */
    public synchronized @Nullable Closed close(String because) {
        if (count > 0 || closedBecause != null) {
            return null;
        }
        closedBecause = because;
        return this::open;
    }

    private synchronized void open() {
        closedBecause = null;
    }
}

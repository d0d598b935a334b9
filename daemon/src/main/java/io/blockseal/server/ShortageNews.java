package io.blockseal.server;

import io.blockseal.memory.Memory;
import io.blockseal.memory.MemorySource;
import io.blockseal.metrics.Recurrence;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of all loops' buffers: has the log say that the system has none for more of them, the first time at once and
 * then at most once a minute. From any thread.
 */
final class ShortageNews implements MemorySource {
    private static final Logger LOG = LoggerFactory.getLogger(ShortageNews.class);

    private final MemorySource source;
    private final Recurrence shortages = new Recurrence(System::nanoTime);

    ShortageNews(MemorySource source) {
        this.source = source;
    }

    @Override
    public Memory map(int lengthBytes) {
        try {
            return source.map(lengthBytes);
        } catch (OutOfMemoryError none) {
            long count = shortages.count();
            if (count > 0) {
                LOG.warn(
                        "failed={}: the system has no memory for more buffers: {}. Requests share those that there are;"
                                + " where there are none they fail with EIO",
                        count,
                        none.getMessage());
            }
            throw none;
        }
    }
}

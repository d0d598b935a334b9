package io.blockseal.server;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the log says when the events of a watched descriptor are handled wrongly; {@link EpollWatch} itself is silent. */
final class WatchDefect {
    private static final Logger LOG = LoggerFactory.getLogger(WatchDefect.class);

    private WatchDefect() {}

    /** On the loop, which goes on. */
    static void tell(int descriptor, Throwable defect) {
        LOG.error("descriptor={}: a defect where its events are handled; the loop goes on", descriptor, defect);
    }
}

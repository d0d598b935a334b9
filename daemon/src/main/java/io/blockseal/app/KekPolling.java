package io.blockseal.app;

import io.blockseal.volume.KekWatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the versions of a served volume's KEK again and again, on a keeper's thread, until it is closed. */
final class KekPolling implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KekPolling.class);

    private final String name;
    private final KekWatch watch;
    private final long pauseMillis;
    private final Keeper keeper;
    private boolean closed;

    private KekPolling(String name, KekWatch watch, int pauseSeconds, Keeper keeper) {
        this.name = name;
        this.watch = watch;
        this.pauseMillis = TimeUnit.SECONDS.toMillis(pauseSeconds);
        this.keeper = keeper;
    }

    /** The first look is made at once, the others {@code pauseSeconds} after the end of the one before. */
    static KekPolling begin(String name, KekWatch watch, int pauseSeconds, Keeper keeper) {
        KekPolling polling = new KekPolling(name, watch, pauseSeconds, keeper);
        keeper.execute(polling::firstLook);
        return polling;
    }

    private void firstLook() {
        if (watch.isOfUse()) {
            look();
        } else {
            LOG.info("volume={}: auto-rewrap has nothing to do: the key of this volume has no versions", name);
        }
    }

    /** With the lock held throughout, so that whoever closes it knows that no look is under way. */
    private synchronized void look() {
        if (!closed) {
            watch.look();
            keeper.schedule(pauseMillis, () -> keeper.execute(this::look));
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}

package io.blockseal.app.tending;

import io.blockseal.volume.KekWatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the versions of a served volume's KEK, as long as there is any use in it. On one keeper's thread at a time. */
public final class KekPolling implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(KekPolling.class);

    private final String name;
    private final KekWatch watch;
    private boolean first = true;
    private boolean useless;

    private KekPolling(String name, KekWatch watch) {
        this.name = name;
        this.watch = watch;
    }

    /** Looks now, and then every {@code pauseSeconds}. */
    public static Polling begin(String name, KekWatch watch, int pauseSeconds, Keeper keeper) {
        return Polling.begin(new KekPolling(name, watch), pauseSeconds, keeper, keeper);
    }

    @Override
    public void run() {
        if (first) {
            first = false;
            useless = !watch.isOfUse();
            if (useless) {
                LOG.info("volume={}: auto-rewrap has nothing to do: the key of this volume has no versions", name);
            }
        }
        if (!useless) {
            watch.look();
        }
    }
}

package io.blockseal.server;

import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts off clients that sit on buffers while others wait for them: half a payload, or replies that nobody reads.
 *
 * <p>An idle client is a normal client and a slow one is too; nobody is looked at while there are buffers for all. Only
 * while the turnstile has a queue are the holders compared with themselves a while ago, and who has not moved by one
 * byte for the whole time loses its connection. One loop's thread.
 */
final class StallWatch implements Runnable {
    /** A connection that may hold buffers. */
    interface Holder {
        /** Whether it holds buffers that only its client can set free. */
        boolean holdsForItsClient();

        /** A number that changes whenever the client takes or sends something. */
        long progress();

        /** Ends the connection. */
        void cutOff();
    }

    private static final Logger LOG = LoggerFactory.getLogger(StallWatch.class);

    private static final int LOOKS = 6;

    private static final class Look {
        private long progress;
        private int unchanged;
    }

    private final EventLoop loop;
    private final BufferTurnstile turnstile;
    private final Set<Holder> holders = new LinkedHashSet<>();
    private final IdentityHashMap<Holder, Look> looks = new IdentityHashMap<>();
    private boolean running;
    private long intervalMillis;

    StallWatch(EventLoop loop, BufferTurnstile turnstile) {
        this.loop = loop;
        this.turnstile = turnstile;
    }

    void add(Holder holder) {
        holders.add(holder);
    }

    void remove(Holder holder) {
        holders.remove(holder);
        looks.remove(holder);
    }

    /** Somebody has to wait for buffers: begins to look, if it has not begun yet. */
    void somebodyWaits(long stallTimeoutMillis) {
        if (!running) {
            running = true;
            intervalMillis = Math.max(1, stallTimeoutMillis / LOOKS);
            lookLater();
        }
    }

    private void lookLater() {
        var unused = loop.schedule(this, intervalMillis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void run() {
        if (!turnstile.isContended()) {
            running = false;
            looks.clear();
            return;
        }
        for (Holder holder : new ArrayList<>(holders)) {
            if (!holder.holdsForItsClient()) {
                looks.remove(holder);
            } else if (hasStalled(holder)) {
                cutOff(holder);
            }
        }
        // There may be buffers although none has come back: the system had no memory for more of them, and has now.
        turnstile.callNext();
        lookLater();
    }

    private void cutOff(Holder holder) {
        // Whatever comes of it, it is not looked at again.
        remove(holder);
        try {
            holder.cutOff();
        } catch (RuntimeException | Error e) {
            // Others wait for buffers, and other holders are still to be looked at.
            LOG.error("a connection that has stalled could not be cut off, by a defect; its buffers may be missed", e);
        }
    }

    private boolean hasStalled(Holder holder) {
        Look look = looks.get(holder);
        long progress = holder.progress();
        if (look == null || look.progress != progress) {
            look = new Look();
            look.progress = progress;
            looks.put(holder, look);
            return false;
        }
        look.unchanged++;
        return look.unchanged >= LOOKS;
    }
}

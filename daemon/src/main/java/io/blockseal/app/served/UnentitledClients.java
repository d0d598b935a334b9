package io.blockseal.app.served;

import io.blockseal.app.console.Failures;
import io.blockseal.volume.metadata.RetryTimer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends clients away whom an access list keeps out that was changed while they were there. Where that cannot be done at
 * once, as a storage or a loop does not answer, it stays owed and is tried again and again: a list that is in force for
 * new clients only would be taken for one that is in force. From any thread but a loop's; further tries are made on keeper
 * threads.
 */
public final class UnentitledClients implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnentitledClients.class);

    private final ServedErasure.Clients clients;
    private final Executor worker;
    private final RetryTimer timer;
    private final long firstMillis;
    private final long maxMillis;
    private final Map<String, Debt> owed = new HashMap<>();
    private final Set<String> underWay = new HashSet<>();
    private boolean closed;

    /** What one export still owes; another list makes another of it. */
    private static final class Debt {
        private final String export;
        private int tries;

        Debt(String export) {
            this.export = export;
        }
    }

    /**
     * Nobody yet.
     *
     * @param clients who sends those of an export away that may not do any more what they came for
     * @param firstMillis how long after the first try the next is made, at most; each doubles it, up to {@code maxMillis}
     */
    public UnentitledClients(
            ServedErasure.Clients clients, Executor worker, RetryTimer timer, long firstMillis, long maxMillis) {
        this.clients = clients;
        this.worker = worker;
        this.timer = timer;
        this.firstMillis = firstMillis;
        this.maxMillis = maxMillis;
    }

    /**
     * Sends those of that export away.
     *
     * @return whether they are gone; if not, it is owed and goes on by itself
     */
    boolean sendAway(String export) throws InterruptedException {
        Debt debt = new Debt(export);
        synchronized (this) {
            awaitEnd(export);
            owed.put(export, debt);
            underWay.add(export);
        }
        return attempt(debt);
    }

    /** Whether some may be there still. */
    synchronized boolean areOwed(String export) {
        return owed.containsKey(export);
    }

    /** All clients of that export are going to be sent away, whatever they may do; returns when no try is under way. */
    synchronized void leaveToOthers(String export) throws InterruptedException {
        owed.remove(export);
        awaitEnd(export);
    }

    private synchronized void awaitEnd(String export) throws InterruptedException {
        while (underWay.contains(export)) {
            wait();
        }
    }

    private boolean attempt(Debt debt) {
        boolean done = false;
        try {
            done = clients.dismiss(debt.export);
        } catch (RuntimeException failed) {
            LOG.error("export={}: clients could not be sent away: {}", debt.export, Failures.message(failed), failed);
        } finally {
            end(debt, done);
        }
        return done;
    }

    private synchronized void end(Debt debt, boolean done) {
        underWay.remove(debt.export);
        notifyAll();
        if (done) {
            owed.remove(debt.export, debt);
        } else if (isStanding(debt)) {
            long pauseMillis = Math.min(maxMillis, firstMillis << Math.min(debt.tries, 20));
            debt.tries++;
            timer.schedule(pauseMillis, () -> worker.execute(() -> again(debt)));
        }
    }

    private void again(Debt debt) {
        synchronized (this) {
            if (!isStanding(debt) || !underWay.add(debt.export)) {
                // Somebody else is at it, and sees to what comes after.
                return;
            }
        }
        if (attempt(debt)) {
            LOG.info("export={}: the clients that its access list keeps out are gone now", debt.export);
        }
    }

    @SuppressWarnings("ReferenceEquality") // Which debt it is; there may have been others.
    private synchronized boolean isStanding(Debt debt) {
        return !closed && owed.get(debt.export) == debt;
    }

    /** Nothing is tried any more. */
    @Override
    public synchronized void close() {
        closed = true;
    }
}

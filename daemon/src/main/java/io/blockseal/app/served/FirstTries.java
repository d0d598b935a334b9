package io.blockseal.app.served;

import io.blockseal.app.console.Failures;
import io.blockseal.keysource.KeySourceException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first tries to open volumes whose keys lie outside this machine, side by side: a source that does not answer must
 * not keep the other volumes from being served. What does not come to an end in time is left to {@link LateOpenings}. For
 * the main thread; the tries run on keeper threads.
 */
public final class FirstTries {
    private static final Logger LOG = LoggerFactory.getLogger(FirstTries.class);
    /** How long the start waits for all of them together. */
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    /** Each ends with what stands in the way, or null. */
    private final Map<ServedVolume, CompletableFuture<@Nullable Exception>> tries = new LinkedHashMap<>();
    /** Whose key could not be had, with what was said. */
    private final Map<ServedVolume, String> awaited = new LinkedHashMap<>();

    /** Begins one. */
    public void begin(ServedVolume volume, LateOpenings.Opening opening, Executor worker) {
        tries.put(volume, CompletableFuture.supplyAsync(() -> attempt(volume, opening), worker));
    }

    private static @Nullable Exception attempt(ServedVolume volume, LateOpenings.Opening opening) {
        try {
            opening.open(volume);
            return null;
        } catch (Exception failed) {
            return failed;
        }
    }

    /**
     * Waits for all of them, but not for long.
     *
     * @throws Exception if one has failed for a reason that waiting will not mend
     */
    public void await() throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        for (Map.Entry<ServedVolume, CompletableFuture<@Nullable Exception>> each : tries.entrySet()) {
            try {
                Exception failed = each.getValue().get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (failed instanceof KeySourceException trouble && LateOpenings.mayHelp(trouble)) {
                    awaited.put(each.getKey(), Failures.message(failed));
                } else if (failed != null) {
                    throw failed;
                }
            } catch (TimeoutException silent) {
                awaited.put(
                        each.getKey(),
                        "its key source has not answered within " + TimeUnit.NANOSECONDS.toSeconds(PATIENCE_NANOS)
                                + " s");
            }
        }
    }

    /** Whether a volume was not open yet when {@link #await} returned. */
    public boolean isAwaited(ServedVolume volume) {
        return awaited.containsKey(volume);
    }

    /** Has those tried again that are not open yet. */
    public void handOverTo(LateOpenings late) {
        awaited.forEach((volume, why) -> {
            CompletableFuture<@Nullable Exception> first = tries.get(volume);
            if (first == null || (first.isDone() && first.join() != null)) {
                late.await(volume, why);
            } else {
                late.await(volume, why, first);
            }
        });
    }

    /** At the end of the daemon: whether all have come to an end, within so many seconds. */
    public boolean haveEnded(int seconds) {
        CompletableFuture<?> all = CompletableFuture.allOf(tries.values().toArray(CompletableFuture<?>[]::new));
        try {
            all.get(seconds, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException stuck) {
            return false;
        } catch (ExecutionException broken) {
            LOG.debug("a first try to open a volume", broken);
            return true;
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
            return all.isDone();
        }
    }
}

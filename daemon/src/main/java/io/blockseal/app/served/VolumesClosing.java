package io.blockseal.app.served;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of all volumes of a daemon: side by side, each on a thread of its own, so that a storage that does not answer
 * keeps none of the others from becoming durable. On the thread that takes the daemon down.
 */
public final class VolumesClosing {
    /** How it went; the worst of all volumes. */
    public enum Outcome {
        /** Every volume is durable and closed. */
        DURABLE,
        /** All are closed; of one or more not everything may be durable, or a client was never told of a loss. */
        LOST,
        /** The storage of one or more, or a key source, has not answered. Their threads are still at it. */
        STUCK
    }

    /** Something that is made durable and closed. */
    interface Closable {
        /** What messages call it. */
        String name();

        /** Makes it durable and closes it; false if not everything may be there, which it has said in the log. */
        boolean close();

        /** Whether {@link #close} has made durable what clients wrote, though it may not have returned. From any thread. */
        default boolean isDurable() {
            return false;
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(VolumesClosing.class);

    private VolumesClosing() {}

    /** Closes all and waits at most {@code patience} for all together. */
    public static Outcome closeAll(List<? extends Closable> volumes, Duration patience) {
        List<FutureTask<Boolean>> closings = new ArrayList<>();
        for (Closable volume : volumes) {
            FutureTask<Boolean> closing = new FutureTask<>(volume::close);
            Thread thread = new Thread(closing, "close-" + volume.name());
            thread.setDaemon(true);
            thread.start();
            closings.add(closing);
        }
        long deadline = System.nanoTime() + patience.toNanos();
        Outcome worst = Outcome.DURABLE;
        for (int i = 0; i < closings.size(); i++) {
            Outcome outcome = await(volumes.get(i), closings.get(i), deadline, patience);
            worst = outcome.compareTo(worst) > 0 ? outcome : worst;
        }
        return worst;
    }

    private static Outcome await(Closable volume, FutureTask<Boolean> closing, long deadline, Duration patience) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    boolean durable = closing.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                    return durable ? Outcome.DURABLE : Outcome.LOST;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (TimeoutException e) {
            LOG.error(
                    volume.isDurable()
                            ? "volume={}: its key source or its storage has not answered for {} s; ending without it."
                                    + " What clients have written is durable."
                            : "volume={}: its storage has not answered for {} s; ending without it. What was written"
                                    + " since the last flush may be lost.",
                    volume.name(),
                    patience.toSeconds());
            return Outcome.STUCK;
        } catch (ExecutionException e) {
            LOG.error("volume={}: could not be closed: {}", volume.name(), e.getCause(), e.getCause());
            return Outcome.LOST;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

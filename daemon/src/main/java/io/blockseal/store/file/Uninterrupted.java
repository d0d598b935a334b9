package io.blockseal.store.file;

import java.time.Duration;

/** Waiting that an interruption does not shorten; it is kept for the caller. */
final class Uninterrupted {
    /** Something that ends, such as a latch. */
    interface Waiting {
        /** Whether it ended in time. */
        boolean await(long nanos) throws InterruptedException;
    }

    private Uninterrupted() {}

    /** Waits for {@code patience} in all; whether it ended in time. */
    static boolean await(Waiting waiting, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return waiting.await(deadline - System.nanoTime());
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

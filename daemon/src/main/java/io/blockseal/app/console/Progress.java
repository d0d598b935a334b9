package io.blockseal.app.console;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * One line on a terminal that tells how far long work is and how long it will take; silent in a pipe. At most five
 * times a second, and not at all for work that ends within a second.
 */
public final class Progress implements AutoCloseable {
    private static final long QUIET_NANOS = 1_000_000_000L;
    private static final long STEP_NANOS = 200_000_000L;

    private final PrintWriter out;
    private final boolean shown;
    private final String what;
    private final LongSupplier nanoClock;
    private final long startedNanos;
    private long nextNanos;
    /** Where work that goes on with something began; it is told at once or taken for the beginning. */
    private long doneBefore = -1;

    private boolean lineOpen;

    /** Tells about {@code what} on {@code out} if {@code shown}. */
    public Progress(PrintWriter out, boolean shown, String what) {
        this(out, shown, what, System::nanoTime);
    }

    Progress(PrintWriter out, boolean shown, String what, LongSupplier nanoClock) {
        this.out = out;
        this.shown = shown;
        this.what = what;
        this.nanoClock = nanoClock;
        this.startedNanos = nanoClock.getAsLong();
        this.nextNanos = startedNanos + QUIET_NANOS;
    }

    /** {@code done} of {@code total} things are behind us. */
    public void count(long done, long total) {
        long now = nanoClock.getAsLong();
        if (doneBefore < 0 && now < startedNanos + QUIET_NANOS) {
            doneBefore = done;
        }
        if (!shown || now < nextNanos || total <= 0) {
            return;
        }
        nextNanos = now + STEP_NANOS;
        lineOpen = true;
        long doneSince = done - Math.max(0, doneBefore);
        String left =
                doneSince <= 0 ? "" : ", " + remaining((double) (now - startedNanos) * (total - done) / doneSince);
        out.print(String.format(Locale.ROOT, "\r%s: %d%%%s\033[K", what, done * 100 / total, left));
        out.flush();
    }

    private static String remaining(double nanos) {
        Duration left = Duration.ofNanos((long) nanos);
        if (left.toHours() > 0) {
            return left.toHours() + " h " + left.toMinutesPart() + " min left";
        }
        return left.toMinutes() > 0
                ? left.toMinutes() + " min " + left.toSecondsPart() + " s left"
                : left.toSeconds() + " s left";
    }

    /** Takes the line away. */
    @Override
    public void close() {
        if (lineOpen) {
            out.print("\r\033[K");
            out.flush();
        }
    }
}

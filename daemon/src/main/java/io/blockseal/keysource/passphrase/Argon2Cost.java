package io.blockseal.keysource.passphrase;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.time.Duration;

/**
 * How dear one guess of a passphrase is (RFC 9106).
 *
 * @param memoryKib memory, in KiB
 * @param passes how often the memory is gone through
 * @param lanes into how many parts it is cut
 */
public record Argon2Cost(int memoryKib, int passes, int lanes) {
    /** The least for new slots: RFC 9106's second choice, for when memory is scarce. */
    public static final Argon2Cost FLOOR = new Argon2Cost(64 << 10, 3, 4);

    private static final int MEMORY_KIB_MAX = 4 << 20;
    private static final int PASSES_MAX = 64;
    private static final int LANES_MAX = 16;

    /**
     * The floor's memory, and as many passes over it as take about {@code target} on this machine.
     *
     * <p>More memory would be dearer still for an attacker, but whoever opens the volume needs it free on the Java heap,
     * maybe on another machine with a smaller heap; so it has to be asked for.
     *
     * <p>The first run in a process is several times slower than the next, as the code is not compiled yet. That is the
     * run to measure: opening a volume is also the first thing that a daemon does.
     *
     * @param once runs Argon2id once at this cost and says how long it took
     */
    static Argon2Cost calibrated(Duration target, Stopwatch once) throws KeySourceException {
        long nanos = Math.max(1, once.nanosAt(FLOOR));
        long passes = Math.round((double) FLOOR.passes * target.toNanos() / nanos);
        return new Argon2Cost(FLOOR.memoryKib, (int) Math.max(FLOOR.passes, Math.min(passes, PASSES_MAX)), FLOOR.lanes);
    }

    /** Measures one run. */
    @FunctionalInterface
    interface Stopwatch {
        long nanosAt(Argon2Cost cost) throws KeySourceException;
    }

    /** What a key slot may ask for; anything else is refused before a byte is allocated. */
    boolean isAllowed() {
        return memoryKib >= 8 * lanes
                && memoryKib <= MEMORY_KIB_MAX
                && passes >= 1
                && passes <= PASSES_MAX
                && lanes >= 1
                && lanes <= LANES_MAX;
    }

    /**
     * Checks a cost that somebody chose for a new slot.
     *
     * @throws KeySourceException if it is too cheap, or beyond what slots may say
     */
    void requireForNewSlot() throws KeySourceException {
        if (!isAllowed() || memoryKib < FLOOR.memoryKib || passes < FLOOR.passes) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "Argon2id cost " + this + " is not allowed: memory is 64 MiB to 4 GiB, passes 3 to 64, lanes 1 to"
                            + " 16");
        }
    }

    @Override
    public String toString() {
        return "m=" + memoryKib + " KiB, t=" + passes + ", p=" + lanes;
    }
}

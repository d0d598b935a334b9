package io.blockseal.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Runs a target on this thread and holds it to its bound of heap. The bound of time is the caller's. */
final class FuzzBounds {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final FuzzTarget target;

    FuzzBounds(FuzzTarget target) {
        this.target = target;
    }

    /** Runs all seeds without a bound, so that the classes that they need are loaded. */
    void warmUp() throws Exception {
        for (byte[] seed : target.seeds().byName().values()) {
            target.run(seed);
        }
    }

    void run(byte[] input) throws Exception {
        long bytes = allocatedBy(input);
        if (bytes > target.allocatedBytesMax()) {
            // A class that was needed for the first time, and instrumented, costs more than any input. Only once.
            bytes = allocatedBy(input);
        }
        if (bytes > target.allocatedBytesMax()) {
            throw new AssertionError("an input of " + input.length + " bytes made the code allocate " + bytes
                    + " bytes; the bound is " + target.allocatedBytesMax());
        }
    }

    private long allocatedBy(byte[] input) throws Exception {
        long before = allocated();
        target.run(input);
        return allocated() - before;
    }

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }
}

package io.blockseal.memory;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A buffer for a request's data, taken and given back on its loop. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BufferArenaBenchmark {
    /** The request. */
    @Param({"4096", "262144"})
    public int dataBytes;

    private BufferArena arena;

    /** On the thread that measures, which owns the arena as a loop does. */
    @Setup
    public void open() {
        arena = new BufferArena(
                Runnable::run, Thread.currentThread(), new JvmMemorySource(), new BufferBudget(64L << 20));
    }

    /** One request. */
    @Benchmark
    public ArenaBuf leaseAndRelease() {
        ArenaBuf buf = arena.lease(dataBytes);
        if (buf == null) {
            throw new IllegalStateException("the budget is spent");
        }
        buf.release();
        return buf;
    }
}

package io.blockseal.shim;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The way from Java to C and back; each request that is enciphered or touches a file goes it at least once. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ShimCallBenchmark {
    private Shim shim;
    private int key;
    private long number;

    /** Needs the native library. */
    @Setup
    public void open() {
        ShimLibrary library = ShimLibrary.open();
        if (!library.isPresent()) {
            throw new IllegalStateException(library.reason());
        }
        shim = library.shim();
        key = shim.keyNew();
        shim.keyRandom(key, Shim.DEK_BYTES);
    }

    /** Gives the slot back. */
    @TearDown
    public void close() {
        shim.keyFree(key);
    }

    /** As many arguments as a call may have, and nothing done with them: the call alone. */
    @Benchmark
    public long echo5() {
        number++;
        return shim.echo5(1, number, 3, 4, 5);
    }

    /** The least that a call about a key does: the handle is looked up and checked. */
    @Benchmark
    public int keyLength() {
        return shim.keyLength(key);
    }
}

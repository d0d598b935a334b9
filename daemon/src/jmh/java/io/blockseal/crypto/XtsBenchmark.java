package io.blockseal.crypto;

import io.blockseal.memory.Memory;
import io.blockseal.shim.ShimLibrary;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What enciphering a request costs one core: the largest part of the price that a guest pays for encryption. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class XtsBenchmark {
    /** Which implementation. */
    @Param({"NATIVE", "JAVA"})
    public EngineSelection.Wanted engine;

    /** The data unit. */
    @Param({"512", "4096"})
    public int unitBytes;

    /** The request. */
    @Param({"4096", "65536", "262144"})
    public int bytes;

    private CryptoEngine crypto;
    private XtsEngine xts;
    private Memory memory;
    private int key;
    private int unitCount;
    private long firstUnit;

    /** Noise, so that no unit is taken for one that was never written. */
    @Setup
    public void open() throws EngineUnavailableException {
        EngineSelection selection = EngineSelection.select(engine, false, ShimLibrary.open());
        crypto = selection.engine();
        xts = crypto.xts();
        memory = selection.memory().map(bytes);
        byte[] noise = new byte[bytes];
        new Random(1).nextBytes(noise);
        memory.bytes().put(0, noise);
        key = crypto.keys().allocate();
        crypto.keys().fillRandom(key, 64);
        unitCount = bytes / unitBytes;
    }

    /** Wipes the key. */
    @TearDown
    public void close() {
        crypto.close();
    }

    /** As for a WRITE. */
    @Benchmark
    public boolean encrypt() {
        return xts.encrypt(key, memory, 0, unitBytes, next(), unitCount);
    }

    /** As for a READ. */
    @Benchmark
    public void decryptSparse() {
        xts.decryptSparse(key, memory, 0, unitBytes, next(), unitCount);
    }

    /** Another place each time, as requests have: the first tweak of each unit cannot be kept. */
    private long next() {
        firstUnit = (firstUnit + 4099) & 0xffff_ffffL;
        return firstUnit;
    }
}

package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.crypto.EngineSelection;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
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

/** From an offset to a key: the table's word of a range, then its unwrapped DEK, found in the loop's cache or not. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RangeLookupBenchmark {
    private static final int RANGES = 1024;
    /** Odd, so that all ranges come up, none of them near the one before. */
    private static final int STRIDE = 619;

    /** Which implementation unwraps. */
    @Param({"NATIVE", "JAVA"})
    public EngineSelection.Wanted engine;

    private EngineSelection selection;
    private Volume volume;
    private DekCache large;
    private DekCache small;
    private int range;

    /** A volume in memory whose ranges all have keys. */
    @Setup
    public void open() throws Exception {
        selection = EngineSelection.select(engine, false, ShimLibrary.open());
        VolumeFixture fixture = new VolumeFixture(selection.engine(), selection.memory());
        volume = fixture.opener()
                .open(
                        VolumeStores.inBand(fixture.create(RANGES)),
                        List.of(fixture.key(1)),
                        new OpenOptions(false, null, -1, false, false, RANGES));
        for (int i = 0; i < RANGES; i++) {
            Errno answer = VolumeFixture.allocate(volume, i);
            if (answer != Errno.OK) {
                throw new IllegalStateException("range " + i + " got no key: " + answer);
            }
        }
        large = volume.openCache();
        small = new LruDekCache(
                selection.engine(), volume.keys(), volume.table(), new DekCacheMetrics(), 8, DekRoom.UNBOUNDED);
        for (int i = 0; i < RANGES; i++) {
            keyOf(large, i);
        }
    }

    /** Wipes all keys. */
    @TearDown
    public void close() throws Exception {
        small.close();
        large.close();
        volume.close();
        selection.engine().close();
    }

    /** One acquire load. */
    @Benchmark
    public long word() {
        return volume.word(next());
    }

    /** What nearly every request does: the key is there, and becomes the youngest. */
    @Benchmark
    public int keyThatIsCached() {
        return keyOf(large, next());
    }

    /** What a stream does: the same range again. */
    @Benchmark
    public int keyThatWasUsedLast() {
        return keyOf(large, 7);
    }

    /** The price of too small a cache: the oldest key goes, and the DEK is unwrapped. */
    @Benchmark
    public int keyThatIsNotCached() {
        return keyOf(small, next());
    }

    private int keyOf(DekCache cache, int rangeIndex) {
        int key = cache.keyFor(rangeIndex, volume.word(rangeIndex));
        if (key == 0) {
            throw new IllegalStateException("range " + rangeIndex + " has no key");
        }
        return key;
    }

    private int next() {
        range = (range + STRIDE) & (RANGES - 1);
        return range;
    }
}

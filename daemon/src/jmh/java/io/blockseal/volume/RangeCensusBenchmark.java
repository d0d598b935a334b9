package io.blockseal.volume;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.RangeCensus;
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

/** What a scrape has to add up of a volume, at most every few seconds. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RangeCensusBenchmark {
    private static final int YEAR_SECONDS = 31_536_000;

    /** 6 TiB and 100 TiB of ranges of 64 MiB. */
    @Param({"100000", "1638400"})
    public int ranges;

    private DekTable table;

    /** All ranges have keys, made at any time within a year: no order spares the sorting. */
    @Setup
    public void fill() {
        Random random = new Random(1);
        int pages = (ranges + TablePage.ENTRIES - 1) / TablePage.ENTRIES;
        table = new DekTable(ranges, pages);
        byte[] wrapped = new byte[TableEntry.WRAPPED_DEK_BYTES];
        for (int index = 0; index < pages; index++) {
            TablePage page = TablePage.fresh(index, 1);
            for (int entry = 0; entry < TablePage.ENTRIES; entry++) {
                int slot = index * TablePage.ENTRIES + entry;
                int made = 1_700_000_000 + random.nextInt(YEAR_SECONDS);
                int generation = 1 + random.nextInt(9);
                page.entry(
                        entry,
                        new TableEntry(
                                TableEntry.ACTIVE, 0, generation, slot, made, 1, random.nextInt(1 << 30), wrapped));
            }
            table.publish(page);
        }
    }

    /** One pass. */
    @Benchmark
    public KeyFigures census() {
        return RangeCensus.of(table, 1_710_000_000);
    }
}

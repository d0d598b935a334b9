package io.blockseal.volume;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the key table tells about the ranges of a volume: states, places, generations, and how old the keys are. As true as
 * the {@link HeaderBackup} that it is made from: verified with a key, or as true as a checksum. Immutable.
 */
public final class RangeReport {
    private final HeaderBackup snapshot;
    private final long[] countsByState = new long[4];
    /** When each DEK was made, ascending. */
    private final long[] madeSeconds;

    private final long generationMax;

    private RangeReport(HeaderBackup snapshot) {
        this.snapshot = snapshot;
        long[] made = new long[Math.toIntExact(snapshot.activeRanges())];
        int[] count = new int[1];
        long[] most = new long[1];
        forEach(range -> {
            countsByState[range.state()]++;
            most[0] = Math.max(most[0], range.generation());
            if (range.state() == RangeWord.ACTIVE && count[0] < made.length) {
                made[count[0]++] = range.createdSeconds();
            }
        });
        madeSeconds = Arrays.copyOf(made, count[0]);
        Arrays.sort(madeSeconds);
        generationMax = most[0];
    }

    /** Of all metadata as of one commit. */
    public static RangeReport of(HeaderBackup snapshot) {
        return new RangeReport(snapshot);
    }

    /** Each range, in order. */
    public void forEach(Consumer<RangeInfo> consumer) {
        long count = snapshot.root().rangeCount();
        @Nullable TablePage page = null;
        for (long range = 0; range < count; range++) {
            int entry = TablePage.entryOf(range);
            if (entry == 0) {
                page = snapshot.page(TablePage.pageOf(range));
            }
            consumer.accept(
                    page == null ? new RangeInfo(range, RangeWord.NONE, 0, 0, 0, 0) : of(range, page.entry(entry)));
        }
    }

    private static RangeInfo of(long range, TableEntry entry) {
        boolean active = entry.state() == TableEntry.ACTIVE;
        return new RangeInfo(
                range,
                // Without a key nothing vouches for the page; what is no state counts as lost.
                entry.state() > TableEntry.LOST ? RangeWord.LOST : entry.state(),
                active ? entry.slot() : 0,
                Integer.toUnsignedLong(entry.generation()),
                active ? Integer.toUnsignedLong(entry.createdSeconds()) : 0,
                active ? entry.encryptedBytes() : 0);
    }

    /** How many ranges are in a state of {@link RangeWord}. */
    public long count(int state) {
        return countsByState[state];
    }

    /** When the oldest DEK was made, Unix time; 0 if there is none. */
    public long oldestSeconds() {
        return madeSeconds.length == 0 ? 0 : madeSeconds[0];
    }

    /** When the DEK was made that half of them are not younger than; 0 if there is none. */
    public long medianSeconds() {
        return madeSeconds.length == 0 ? 0 : madeSeconds[(madeSeconds.length - 1) / 2];
    }

    /** The most DEKs that a range has had. */
    public long generationMax() {
        return generationMax;
    }

    /** How many DEKs were made at that time or later. */
    public long madeSince(long seconds) {
        return Arrays.stream(madeSeconds).filter(made -> made >= seconds).count();
    }
}

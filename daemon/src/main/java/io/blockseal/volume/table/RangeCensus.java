package io.blockseal.volume.table;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.KeyChanges;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.volume.header.RangeReport;
import org.jspecify.annotations.Nullable;

/**
 * Adds up what the table in memory says of all ranges: one pass without a lock, without I/O and without an object for each
 * range, beside whoever uses the volume. {@link RangeReport} tells the same, and more, of what is on the disk.
 */
public final class RangeCensus {
    private final long[] countsByState = new long[4];
    private final DekTable table;
    private final long since;
    private final UnsignedMedian made;
    private final UnsignedMedian generations;
    private long oldestSeconds = Long.MAX_VALUE;
    private long madeSince;
    private long generationMax;
    private long encipheredBytes;
    private long encipheredBytesMax;

    private RangeCensus(DekTable table, long since) {
        this.table = table;
        this.since = since;
        made = new UnsignedMedian(Math.toIntExact(table.rangeCount()));
        generations = new UnsignedMedian(Math.toIntExact(table.rangeCount()));
    }

    /** As of now; what is committed meanwhile may be in it or not. {@code since} as in {@link KeyFigures#madeSince}. */
    public static KeyFigures of(DekTable table, long since) {
        RangeCensus census = new RangeCensus(table, since);
        for (int index = 0; index < table.pageCount(); index++) {
            census.addPage(index);
        }
        return census.figures();
    }

    private void addPage(int pageIndex) {
        // One image throughout: it is never changed, so states and ages belong together whatever is published
        // meanwhile.
        @Nullable TablePage page = table.page(pageIndex);
        long first = TablePage.firstRange(pageIndex);
        long end = Math.min(first + TablePage.ENTRIES, table.rangeCount());
        for (long range = first; range < end; range++) {
            int entry = (int) (range - first);
            // Only the word knows of a range that was found damaged.
            boolean lost = RangeWord.state(table.word(range)) == RangeWord.LOST;
            int state = lost ? RangeWord.LOST : page == null ? RangeWord.NONE : page.state(entry);
            countsByState[state]++;
            if (page != null && !lost) {
                generationMax = Math.max(generationMax, Integer.toUnsignedLong(page.generation(entry)));
                if (state == RangeWord.ACTIVE) {
                    addDek(page, entry, table.enciphered().of(range));
                }
            }
        }
    }

    private void addDek(TablePage page, int entry, long enciphered) {
        int createdSeconds = page.createdSeconds(entry);
        made.add(createdSeconds);
        generations.add(page.generation(entry));
        oldestSeconds = Math.min(oldestSeconds, Integer.toUnsignedLong(createdSeconds));
        madeSince += Integer.toUnsignedLong(createdSeconds) >= since ? 1 : 0;
        encipheredBytes += enciphered;
        encipheredBytesMax = Math.max(encipheredBytesMax, enciphered);
    }

    private KeyFigures figures() {
        long active = countsByState[RangeWord.ACTIVE];
        return new KeyFigures(
                countsByState[RangeWord.NONE],
                active,
                countsByState[RangeWord.SHREDDED],
                countsByState[RangeWord.LOST],
                active == 0 ? 0 : oldestSeconds,
                made.value(),
                generationMax,
                generations.value(),
                encipheredBytes,
                encipheredBytesMax,
                madeSince);
    }

    /** Counts which DEKs a commit brought and took; what is wrapped anew stays the same DEK. On the keeper. */
    public static void count(@Nullable TablePage before, TablePage after, KeyChanges changes) {
        long made = 0;
        long destroyed = 0;
        for (int entry = 0; entry < TablePage.ENTRIES; entry++) {
            boolean had = before != null && before.state(entry) == TableEntry.ACTIVE;
            boolean has = after.state(entry) == TableEntry.ACTIVE;
            boolean another = before == null || before.generation(entry) != after.generation(entry);
            made += has && (!had || another) ? 1 : 0;
            destroyed += had && (!has || another) ? 1 : 0;
        }
        changes.deksMade(made);
        changes.deksDestroyed(destroyed);
    }
}

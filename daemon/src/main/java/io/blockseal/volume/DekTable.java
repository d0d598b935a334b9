package io.blockseal.volume;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The table in memory: a {@link RangeWord} per range and the image of every page that is not empty. Wrapped DEKs only,
 * so nothing here is secret.
 *
 * <p>Loops read by acquire loads, one keeper writes by release stores: a page before the words that speak of it, so
 * that whoever sees a word also sees its entry. A published page is never changed again.
 */
final class DekTable {
    private final AtomicLongArray words;
    private final AtomicReferenceArray<@Nullable TablePage> pages;

    DekTable(long rangeCount, int pageCount) {
        words = new AtomicLongArray(Math.toIntExact(rangeCount));
        pages = new AtomicReferenceArray<>(pageCount);
    }

    long rangeCount() {
        return words.length();
    }

    int pageCount() {
        return pages.length();
    }

    /** From any thread. */
    long word(long rangeIndex) {
        return words.getAcquire((int) rangeIndex);
    }

    /** The page's current image, or null if all its ranges are NONE. From any thread; not to be changed. */
    @Nullable
    TablePage page(int pageIndex) {
        return pages.getAcquire(pageIndex);
    }

    /** Makes a page and its words visible to all. On the keeper only. */
    void publish(TablePage page) {
        pages.setRelease(page.index(), page);
        long first = TablePage.firstRange(page.index());
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            publish((int) first + i, word(page.entry(i)));
        }
    }

    /** Keeps the mark of a range that is held: its page may well be committed for another range meanwhile. */
    private void publish(int range, long word) {
        long old;
        do {
            old = words.get(range);
        } while (!words.compareAndSet(range, old, word | (old & RangeWord.HELD)));
    }

    /** Marks the range as held; who looks at its word from now on waits. From any thread. */
    void hold(long rangeIndex) {
        words.accumulateAndGet((int) rangeIndex, RangeWord.HELD, (word, held) -> word | held);
    }

    /** Takes the mark away. From any thread. */
    void letGo(long rangeIndex) {
        words.accumulateAndGet((int) rangeIndex, RangeWord.HELD, (word, held) -> word & ~held);
    }

    /** Marks one range as unreadable. While opening only. */
    void lose(long rangeIndex) {
        words.setRelease((int) rangeIndex, RangeWord.of(RangeWord.LOST, 0, 0));
    }

    /** Marks all ranges of a page as unreadable. While opening only. */
    void losePage(int pageIndex) {
        long first = TablePage.firstRange(pageIndex);
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            lose(first + i);
        }
    }

    private static long word(TableEntry entry) {
        return switch (entry.state()) {
            case TableEntry.NONE -> RangeWord.of(RangeWord.NONE, 0, entry.generation());
            case TableEntry.ACTIVE -> RangeWord.of(RangeWord.ACTIVE, entry.slot(), entry.generation());
            case TableEntry.SHREDDED -> RangeWord.of(RangeWord.SHREDDED, 0, entry.generation());
            default -> RangeWord.of(RangeWord.LOST, 0, entry.generation());
        };
    }
}

package io.blockseal.volume.table;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The table in memory: a {@link RangeWord} per range, what was enciphered under its DEK, and the image of every page that is
 * not empty. Wrapped DEKs only, so nothing here is secret; but one that was destroyed has to be gone from here, too.
 *
 * <p>Loops read by acquire loads, one keeper writes by release stores: a page before the words that speak of it, so
 * that whoever sees a word also sees its entry. A published page is changed once more, when another one has taken its
 * place: its wrapped DEKs are wiped.
 */
public final class DekTable {
    private final AtomicLongArray words;
    private final AtomicReferenceArray<@Nullable TablePage> pages;
    private final EncipheredBytes enciphered;

    /** All ranges NONE. */
    public DekTable(long rangeCount, int pageCount) {
        words = new AtomicLongArray(Math.toIntExact(rangeCount));
        pages = new AtomicReferenceArray<>(pageCount);
        enciphered = new EncipheredBytes(rangeCount);
    }

    /** Of the volume. */
    public long rangeCount() {
        return words.length();
    }

    /** Of the table on disk. */
    public int pageCount() {
        return pages.length();
    }

    /** From any thread. */
    public long word(long rangeIndex) {
        return words.getAcquire((int) rangeIndex);
    }

    /** What was enciphered under the DEKs, newer than in the pages. */
    public EncipheredBytes enciphered() {
        return enciphered;
    }

    /** The page's current image, or null if all its ranges are NONE. From any thread; not to be changed. */
    @Nullable
    public TablePage page(int pageIndex) {
        return pages.getAcquire(pageIndex);
    }

    /** Makes a page and its words visible to all. On the keeper only. */
    public void publish(TablePage page) {
        TablePage before = pages.getAndSet(page.index(), page);
        long first = TablePage.firstRange(page.index());
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            publish((int) first + i, page, i);
        }
        if (before != null && before != page) {
            // Whoever is unwrapping from it just now sees that it counts no more, and takes the new one.
            before.wipeDeks();
        }
    }

    /** Keeps the mark of a range that is held: its page may well be committed for another range meanwhile. */
    private void publish(int range, TablePage page, int entry) {
        long word = word(page, entry);
        if (!isSameDek(words.get(range), word)) {
            enciphered.begin(range, page.state(entry) == TableEntry.ACTIVE ? page.encryptedBytes(entry) : 0);
        }
        long old;
        do {
            old = words.get(range);
        } while (!words.compareAndSet(range, old, word | (old & RangeWord.HELD)));
    }

    private static boolean isSameDek(long word, long other) {
        return RangeWord.state(word) == RangeWord.state(other)
                && RangeWord.generation(word) == RangeWord.generation(other);
    }

    /** Puts the counts of those DEKs into a page that is to be committed which stay as they are. On the keeper only. */
    public void count(TablePage page) {
        long first = TablePage.firstRange(page.index());
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            long word = words.get((int) first + i);
            if (RangeWord.state(word) == RangeWord.ACTIVE && isSameDek(word, word(page, i))) {
                page.encryptedBytes(i, enciphered.of(first + i));
            }
        }
    }

    /** Whether more was enciphered under a DEK of a page than the page says. On the keeper only. */
    boolean isBehind(TablePage page) {
        long first = TablePage.firstRange(page.index());
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            if (RangeWord.state(words.get((int) first + i)) == RangeWord.ACTIVE
                    && enciphered.of(first + i) != page.encryptedBytes(i)) {
                return true;
            }
        }
        return false;
    }

    /** Marks the range as held; who looks at its word from now on waits. From any thread. */
    public void hold(long rangeIndex) {
        words.accumulateAndGet((int) rangeIndex, RangeWord.HELD, (word, held) -> word | held);
    }

    /** Takes the mark away. From any thread. */
    public void letGo(long rangeIndex) {
        words.accumulateAndGet((int) rangeIndex, RangeWord.HELD, (word, held) -> word & ~held);
    }

    /** Marks one range as unreadable. While opening only. */
    public void lose(long rangeIndex) {
        words.setRelease((int) rangeIndex, RangeWord.of(RangeWord.LOST, 0, 0));
    }

    /** Marks all ranges of a page as unreadable. While opening only. */
    public void losePage(int pageIndex) {
        long first = TablePage.firstRange(pageIndex);
        for (int i = 0; i < TablePage.ENTRIES && first + i < words.length(); i++) {
            lose(first + i);
        }
    }

    private static long word(TablePage page, int entry) {
        int generation = page.generation(entry);
        return switch (page.state(entry)) {
            case TableEntry.NONE -> RangeWord.of(RangeWord.NONE, 0, generation);
            case TableEntry.ACTIVE -> RangeWord.of(RangeWord.ACTIVE, page.slot(entry), generation);
            case TableEntry.SHREDDED -> RangeWord.of(RangeWord.SHREDDED, 0, generation);
            default -> RangeWord.of(RangeWord.LOST, 0, generation);
        };
    }
}

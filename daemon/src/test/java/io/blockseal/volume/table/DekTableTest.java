package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DekTableTest {
    private static TablePage page(int generation) {
        byte[] wrapped = new byte[TableEntry.WRAPPED_DEK_BYTES];
        Arrays.fill(wrapped, (byte) generation);
        TablePage page = TablePage.fresh(0, 1);
        page.entry(7, new TableEntry(TableEntry.ACTIVE, 1, generation, 9, 1_700_000_000, 1, 0, wrapped));
        return page;
    }

    /** A DEK that was destroyed on the disk would be left in memory, for whoever has the volume key. */
    @Test
    void wipesTheDeksOfAPageThatAnotherOneReplaces() {
        DekTable table = new DekTable(31, 1);
        TablePage before = page(1);
        TablePage after = page(2);
        table.publish(before);
        table.publish(after);
        assertSame(after, table.page(0));
        assertArrayEquals(
                new byte[TableEntry.WRAPPED_DEK_BYTES], before.entry(7).wrappedDek());
        assertArrayEquals(page(2).entry(7).wrappedDek(), after.entry(7).wrappedDek());
        // Whoever is counting states and ages reads the old page to its end.
        assertEquals(TableEntry.ACTIVE, before.state(7));
        assertEquals(1_700_000_000, before.createdSeconds(7));
    }

    @Test
    void keepsAPageThatIsPublishedAgain() {
        DekTable table = new DekTable(31, 1);
        TablePage page = page(1);
        table.publish(page);
        table.publish(page);
        assertArrayEquals(page(1).entry(7).wrappedDek(), page.entry(7).wrappedDek());
    }
}

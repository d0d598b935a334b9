package io.blockseal.volume.table;

import io.blockseal.format.TablePage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Copies of table pages that were taken to be changed, until somebody settles what became of them. One that came to
 * nothing, be it by a defect of ours, would otherwise keep wrapped DEKs that a later commit destroys everywhere else. From
 * any thread; on the keeper as a rule.
 */
public final class DraftPages {
    private final List<TablePage> taken = new ArrayList<>();

    /** The page, which is remembered. */
    synchronized TablePage take(TablePage page) {
        taken.add(page);
        return page;
    }

    /** Wipes the wrapped DEKs of all that do not count, and forgets all. */
    public synchronized void settle(Predicate<TablePage> counts) {
        for (TablePage page : taken) {
            if (!counts.test(page)) {
                page.wipeDeks();
            }
        }
        taken.clear();
    }
}

package io.blockseal.volume.metadata;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.table.TableRoot;
import io.blockseal.volume.table.VolumeKeys;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Chooses which copy of each page to believe so that the root's table_root proves the choice.
 *
 * <p>With one store there is nothing to choose but the newest copy. A mirror may lag behind and hold pages of a commit
 * that was cut short there and never was; or it may, though it lags, have the only good copy of a page. So pages about
 * which the stores disagree wait until all others are summed up; then what the up-to-date stores have is tried, then
 * the newest of all. If neither is right, a page that only a lagging store has is given up.
 */
public final class TableProof {
    private final RootBlock root;
    private final @Nullable VolumeKeys keys;
    private final TableRoot sum = new TableRoot(new byte[32]);
    private final List<PageFinding> disputed = new ArrayList<>();
    private boolean lost;

    /** Without keys nothing can be proved, and what the up-to-date stores have is believed. */
    public TableProof(RootBlock root, @Nullable VolumeKeys keys) {
        this.root = root;
        this.keys = keys;
    }

    /** Scans the table and passes each page on once it is clear which copy counts; the disputed ones come last. */
    public void run(TableScan scan, TableScan.Visitor visitor) throws StoreException, VolumeRefusedException {
        scan.run(finding -> {
            if (finding.borrowed() || isDisputed(finding)) {
                disputed.add(finding);
            } else {
                lost |= finding.lost();
                toggle(sum, finding.chosen());
                visitor.page(finding);
            }
        });
        settle();
        for (PageFinding finding : disputed) {
            lost |= finding.lost();
            toggle(sum, finding.chosen());
            visitor.page(finding);
        }
    }

    /** Whether table_root is right; it cannot be if a page is lost. */
    public boolean holds() {
        return Arrays.equals(sum.bytes(), root.tableRoot());
    }

    /** Whether some page is lost. */
    public boolean anyLost() {
        return lost;
    }

    /** The sum over what was chosen. */
    byte[] sum() {
        return sum.bytes();
    }

    private static boolean isDisputed(PageFinding finding) {
        int newest = finding.newestCopy();
        return newest >= 0 && !finding.lost() && !finding.isLike(newest, finding.chosen());
    }

    private void settle() {
        if (disputed.isEmpty() || keys == null) {
            return;
        }
        if (!lost && isProved(PageFinding::chosenCopy)) {
            return;
        }
        if (!lost && isProved(PageFinding::newestCopy)) {
            disputed.forEach(finding -> finding.choose(finding.newestCopy()));
            return;
        }
        for (PageFinding finding : disputed) {
            if (finding.borrowed()) {
                finding.choose(-1);
            }
        }
    }

    private boolean isProved(ToIntFunction<PageFinding> choice) {
        TableRoot trial = new TableRoot(sum.bytes());
        for (PageFinding finding : disputed) {
            toggle(trial, finding.page(choice.applyAsInt(finding)));
        }
        return Arrays.equals(trial.bytes(), root.tableRoot());
    }

    private void toggle(TableRoot target, @Nullable TablePage page) {
        VolumeKeys proving = keys;
        if (page != null && proving != null) {
            target.toggle(proving.tableTerm(page));
        }
    }
}

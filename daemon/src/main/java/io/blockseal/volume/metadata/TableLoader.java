package io.blockseal.volume.metadata;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.host.RollbackCheck;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.SlotMap;
import io.blockseal.volume.table.VolumeKeys;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fills the table in memory from the scan, and decides whether what was found may be written to. While opening only. */
public final class TableLoader {
    private static final Logger LOG = LoggerFactory.getLogger(TableLoader.class);

    private final VolumeStores stores;
    private final MetadataCopies store;
    private final RootStanding standing;
    private final VolumeKeys keys;
    private final RootBlock root;
    private final RollbackCheck rollback;
    private final DekTable table;
    private final SlotMap slots;
    private final TableProof proof;
    private final List<PageRepair> toHeal = new ArrayList<>();
    private final List<Integer> lostPages = new ArrayList<>();
    private RootBlock rootToHeal;
    private RootBlock effectiveRoot;
    private boolean readOnly;
    private boolean primaryWasAhead;
    private boolean orphanSeen;
    private int foreignPages;
    private int ownPages;

    /** Nothing is read before it is told to. */
    public TableLoader(
            VolumeStores stores, MetadataCopies store, VolumeKeys keys, RootStanding standing, RollbackCheck rollback) {
        this.stores = stores;
        this.store = store;
        this.standing = standing;
        this.keys = keys;
        this.root = standing.chosen().root();
        this.proof = new TableProof(root, keys);
        this.rollback = rollback;
        this.rootToHeal = root;
        this.effectiveRoot = root;
        this.table = new DekTable(root.rangeCount(), root.pageCount());
        this.slots = new SlotMap(root);
    }

    /**
     * Reads the table.
     *
     * @param wentBack whether the whole metadata is known to be older than it has been, which the operator accepts
     */
    public void load(boolean forReading, boolean wentBack) throws StoreException, VolumeRefusedException {
        readOnly = forReading;
        if (wentBack) {
            markDirty();
        }
        proof.run(new TableScan(store, root, keys, standing.currentCopies()), this::page);
        requireOwnPrimary();
        if (standing.mayHaveFallenBack() && (orphanSeen || standing.mirrorAlone())) {
            distrustFreeSlots();
        }
        if (lostPages.isEmpty()) {
            checkTableRoot();
        } else {
            reserveLostSlots();
            LOG.error(
                    "volume={} pages={}: all copies are damaged; ranges {} to {} and so on fail with EIO, and whether"
                            + " other pages are current cannot be proved. Restore the metadata from a backup.",
                    stores.logName(),
                    lostPages,
                    TablePage.firstRange(lostPages.get(0)),
                    TablePage.firstRange(lostPages.get(0) + 1) - 1);
        }
    }

    /** What was loaded. */
    public DekTable table() {
        return table;
    }

    /** Which slots the loaded ranges have. */
    public SlotMap slots() {
        return slots;
    }

    /** What both roots on disk have to be before the first commit. */
    public RootBlock rootToHeal() {
        return rootToHeal;
    }

    /** The root from which the next commit starts. */
    public RootBlock root() {
        return effectiveRoot;
    }

    /** Pages of which nobody knows what they held; what lies there is left alone. */
    public List<Integer> lostPages() {
        return lostPages;
    }

    /** Pages whose copies are to be made equal. */
    public List<PageRepair> toHeal() {
        return toHeal;
    }

    /**
     * The orphans may be pages of the root that is gone, and that commit may have been acknowledged: then their ranges'
     * slots hold data under DEKs that are about to be buried, and would read as noise under new ones.
     */
    private void distrustFreeSlots() {
        if (standing.mirrorAlone()) {
            LOG.error(
                    "volume={} commit={}: no root of the primary metadata is whole; going on with the mirror. If the"
                            + " mirror lagged behind, what was written to new ranges since is lost and reads as zeros.",
                    stores.logName(),
                    root.commitSeq());
        } else {
            complainOfLaterCommit();
        }
        markDirty();
    }

    /** A slot that no range has may hold data under a DEK that is gone: it is to be zeroed before its next use. */
    private void markDirty() {
        RootBlock marked = root.copy().markDirty();
        marked.seal(keys.mac(marked));
        rootToHeal = marked;
        effectiveRoot = marked;
    }

    private void complainOfLaterCommit() {
        LOG.error(
                "volume={} commit={}: the root of a later commit is damaged, and some of its pages were found. What was"
                        + " written to ranges that it gave their keys is lost and reads as zeros. Restore the metadata"
                        + " from a backup if there is a newer one, before anything is written.",
                stores.logName(),
                root.commitSeq());
    }

    private void page(PageFinding finding) throws VolumeRefusedException {
        orphanSeen |= finding.hasOrphan();
        weighPrimary(finding);
        if (standing.mirrorAlone() && finding.primaryIsAhead() && !primaryWasAhead) {
            primaryWasAhead = true;
            rollback.mirrorBehind(finding.index());
        }
        if (finding.lost()) {
            if (finding.hasOrphan() && !readOnly) {
                throw new VolumeRefusedException(
                        Reason.UNFINISHED_COMMIT,
                        stores.name() + ": table page " + finding.index()
                                + " has one damaged copy and one of a commit that"
                                + " was cut short; nothing was changed. Open it for reading only, or restore the"
                                + " metadata from a backup.");
            }
            lostPages.add(finding.index());
            table.losePage(finding.index());
            finding.wipeBut(null);
            return;
        }
        if (finding.needsHealing()) {
            toHeal.add(finding.repair(finding.chosen()));
        }
        TablePage page = finding.chosen();
        if (page != null) {
            table.publish(page);
            takeSlots(page);
        }
        finding.wipeBut(page);
    }

    private void weighPrimary(PageFinding finding) {
        for (int copy = 0; copy < 2; copy++) {
            PageFinding.Copy found = finding.copy(copy);
            ownPages += found == PageFinding.Copy.VALID || found == PageFinding.Copy.ORPHAN ? 1 : 0;
            foreignPages += finding.isSealedByAnother(copy) ? 1 : 0;
        }
    }

    /**
     * With no root of its own, a store whose table pages are whole but do not verify is another volume's, and the wrong
     * mirror was named for it.
     */
    private void requireOwnPrimary() throws VolumeRefusedException {
        if (standing.mirrorAlone() && foreignPages > 0 && ownPages == 0 && !standing.primaryHasKeySlots()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    stores.name() + ": has no whole root, and its table is not that of volume " + root.uuid()
                            + ", which the mirror is of; nothing was changed. Name the mirror that belongs to it.");
        }
    }

    private void takeSlots(TablePage page) throws VolumeRefusedException {
        long first = TablePage.firstRange(page.index());
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            int state = page.state(i);
            long range = first + i;
            if (range >= root.rangeCount()) {
                if (state != TableEntry.NONE) {
                    conflict(range, "is beyond the end of the volume, yet has a state");
                }
            } else if (state == TableEntry.ACTIVE) {
                takeSlot(range, page.suite(i), page.slot(i));
            } else if (state > TableEntry.LOST) {
                conflict(range, "has the unknown state " + state);
                table.lose(range);
            }
        }
    }

    private void takeSlot(long range, int suite, long slot) throws VolumeRefusedException {
        if (suite != RootBlock.SUITE_AES_256_XTS) {
            conflict(range, "has the unknown suite " + suite);
            table.lose(range);
        } else if (!slots.exists(slot)) {
            conflict(range, "names slot " + slot + ", which is outside the data area");
            table.lose(range);
        } else if (!slots.take(slot)) {
            conflict(range, "names slot " + slot + ", which another range or the metadata has");
            table.lose(range);
        }
    }

    private void conflict(long range, String what) throws VolumeRefusedException {
        String message = stores.name() + ": range " + range + " " + what;
        if (!readOnly) {
            throw new VolumeRefusedException(
                    Reason.SLOT_CONFLICT,
                    message
                            + "; nothing was changed. Open it for reading only, or restore the metadata from a backup.");
        }
        LOG.error("volume={}: {}; it fails with EIO", stores.logName(), message);
    }

    private void checkTableRoot() throws VolumeRefusedException {
        if (proof.holds()) {
            return;
        }
        rollback.part();
        // A range that is NONE again may have left data in its slot: under a DEK that is gone it would read as noise.
        effectiveRoot = rootToHeal.copy().tableRoot(proof.sum()).markDirty();
    }

    /** A lost page's ranges have their data somewhere: where they always were, or, after a relocation, anywhere. */
    private void reserveLostSlots() {
        if (root.relocated()) {
            slots.takeAll();
            return;
        }
        for (int page : lostPages) {
            long first = TablePage.firstRange(page);
            for (long range = first; range < Math.min(first + TablePage.ENTRIES, root.rangeCount()); range++) {
                slots.take(range);
            }
        }
    }
}

package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.MetadataState.Attempt;
import io.blockseal.volume.metadata.RootReader.Candidate;
import io.blockseal.volume.table.DekAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings the metadata on disk and the metadata in memory together again while the volume is open: after a commit that
 * failed half-way, after a flush that failed for somebody else, after the mirror was away. On the keeper, alone.
 *
 * <p>Memory holds all that was acknowledged. The disk holds that too, and perhaps the commit that was under way; which
 * of the two, the roots say. So every copy that differs is made equal, as when a volume is opened, and whatever was
 * damaged meanwhile is written anew. What is on disk and is neither of the two is left alone, and the volume stays as
 * it is. Cutting it short at any point leaves what opening can heal.
 */
final class MetadataRecovery {
    private final VolumeStores stores;
    private final MetadataState state;
    private final DekAllocator allocator;

    MetadataRecovery(VolumeStores stores, MetadataState state, DekAllocator allocator) {
        this.stores = stores;
        this.state = state;
        this.allocator = allocator;
    }

    /**
     * Makes disk and memory equal.
     *
     * @return whether the commit that failed is found to have happened
     * @throws StoreException if the primary still fails
     */
    boolean recover() throws StoreException, StrangeMetadataException {
        MetadataCopies copies = state.store();
        copies.startTrusting();
        copies.reviveMirror();
        copies.flush();
        copies.dropHeadCache();
        copies.dropTailCache(widestRoot());
        RootReader roots = read(copies);
        Attempt adopted = attemptHappened(roots) ? state.attempt() : null;
        RootBlock root = adopted == null ? state.diskRoot() : adopted.root();
        KeySlotArea area = adopted == null ? state.area() : adopted.area();
        List<PageRepair> repairs = differences(copies, root, adopted);
        copies.fitMirror(root);
        new Healing(stores.logName(), copies, roots, copyOf(roots, root), area).heal(root, repairs);
        if (copies.hasLost()) {
            throw new StoreException(Errno.EIO, copies.name() + ": a flush failed while the metadata was made whole");
        }
        if (adopted != null) {
            allocator.adopt(adopted.root(), adopted.pages());
        }
        state.recovered(adopted != null);
        copies.mirrorIsWhole();
        return adopted != null;
    }

    private RootBlock widestRoot() {
        Attempt attempt = state.attempt();
        return attempt != null
                        && attempt.root().extentCount() > state.diskRoot().extentCount()
                ? attempt.root()
                : state.diskRoot();
    }

    private RootReader read(MetadataCopies copies) throws StoreException, StrangeMetadataException {
        try {
            RootReader roots = RootReader.read(copies);
            try {
                roots.requireOwnMirror(stores);
            } catch (VolumeRefusedException e) {
                copies.leaveMirror(String.valueOf(e.getMessage()));
            }
            return roots;
        } catch (MalformedVolumeException e) {
            throw new StrangeMetadataException(String.valueOf(e.getMessage()));
        }
    }

    /** Whether the commit under way is on disk; refuses roots that are neither of the two there can be. */
    private boolean attemptHappened(RootReader roots) throws StrangeMetadataException {
        long acknowledged = state.diskRoot().commitSeq();
        boolean happened = false;
        int older = 0;
        for (Candidate candidate : roots.candidates()) {
            RootBlock root = candidate.root();
            if (!root.uuid().equals(state.root().uuid())) {
                throw new StrangeMetadataException(root.block() + " is of another volume, " + root.uuid());
            }
            if (!state.keys().verifies(root) || isLike(root, state.diskRoot())) {
                continue;
            }
            Attempt attempt = state.attempt();
            if (attempt != null && isLike(root, attempt.root())) {
                happened = true;
            } else if (root.commitSeq() >= acknowledged) {
                throw new StrangeMetadataException(
                        root.block() + " is of a commit, " + root.commitSeq() + ", that this process did not make");
            } else if (!MetadataCopies.onMirror(candidate.copy())) {
                older++;
            }
        }
        if (older == 2) {
            throw new StrangeMetadataException(
                    "both roots are whole, and older than commit " + acknowledged + ", which was durable");
        }
        return happened;
    }

    private List<PageRepair> differences(MetadataCopies copies, RootBlock root, @Nullable Attempt adopted)
            throws StoreException, StrangeMetadataException {
        List<PageRepair> repairs = new ArrayList<>();
        try {
            new TableScan(copies, root, state.keys(), -1).run(finding -> {
                TablePage truth = truth(finding.index(), adopted);
                boolean differs = false;
                for (int copy = 0; copy < finding.count(); copy++) {
                    differs |= !finding.isLike(copy, truth);
                }
                if (differs && !state.isLost(finding.index())) {
                    repairs.add(finding.repair(truth));
                }
                finding.wipeBut(null);
            });
        } catch (VolumeRefusedException e) {
            throw new StrangeMetadataException(String.valueOf(e.getMessage()));
        }
        return repairs;
    }

    private @Nullable TablePage truth(int pageIndex, @Nullable Attempt adopted) {
        if (adopted != null) {
            for (TablePage page : adopted.pages()) {
                if (page.index() == pageIndex) {
                    return page;
                }
            }
        }
        // A table that grew has pages that this process does not use before it opens the volume anew: zeros.
        return pageIndex < state.table().pageCount() ? state.table().page(pageIndex) : null;
    }

    private static int copyOf(RootReader roots, RootBlock root) {
        for (int copy = 0; copy < roots.count(); copy++) {
            if (Arrays.equals(roots.rootImage(copy), root.image())) {
                return copy;
            }
        }
        return -1;
    }

    private static boolean isLike(RootBlock one, RootBlock two) {
        return Arrays.equals(one.image(), two.image());
    }
}

package io.blockseal.volume;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.store.StoreException;
import io.blockseal.volume.RootReader.Candidate;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the second copies equal to those that were chosen, before the first commit: a copy that a crash left over would
 * otherwise come alive with it (docs/format.md, "Opening"), an old one might still hold a key that was destroyed.
 *
 * <p>Where copies differ, a commit was cut short, perhaps by a failed flush. After that the system's memory may show
 * bytes that are not on the disk and that no flush writes any more. So the commit is made again, the chosen copies
 * included, in its own order.
 */
final class Healing {
    private static final Logger LOG = LoggerFactory.getLogger(Healing.class);

    private final String volumeName;
    private final MetadataStore store;
    private final Candidate chosen;
    private final RootReader roots;

    Healing(String volumeName, MetadataStore store, Candidate chosen, RootReader roots) {
        this.volumeName = volumeName;
        this.store = store;
        this.chosen = chosen;
        this.roots = roots;
    }

    /** Heals; {@code root} is what both roots shall be: the chosen one, or that with a warning added. */
    void heal(RootBlock root, List<PageFinding> pages) throws StoreException {
        // What was read may so far be in the system's memory alone; nothing may be built on it before it is on the
        // disk.
        store.flush();
        KeySlotArea area = chosen.area();
        boolean areasDiffer = area != null && !Arrays.equals(roots.areaImage(0), roots.areaImage(1));
        boolean rootsDiffer = !Arrays.equals(roots.rootImage(0), roots.rootImage(1))
                || !Arrays.equals(roots.rootImage(chosen.copy()), root.image());
        if (!areasDiffer && !rootsDiffer && pages.isEmpty()) {
            return;
        }
        int goodArea = area == null || Arrays.equals(roots.areaImage(0), area.image()) ? 0 : 1;
        for (PageFinding page : pages) {
            writePage(root, page, page.chosenCopy());
        }
        if (area != null) {
            store.writeKeySlots(goodArea, area.image());
        }
        store.flush();
        // The roots come before the second copies of pages: the warning must be there before what gave rise to it is
        // not. A damaged root has nothing to lose, so it is the first.
        int firstRoot = roots.complaint(1 - chosen.copy()) == null ? chosen.copy() : 1 - chosen.copy();
        store.writeRoot(firstRoot, root.image());
        store.flush();
        store.writeRoot(1 - firstRoot, root.image());
        store.flush();
        for (PageFinding page : pages) {
            writePage(root, page, 1 - page.chosenCopy());
        }
        if (area != null) {
            store.writeKeySlots(1 - goodArea, area.image());
        }
        store.flush();
        LOG.info("volume={} pages={}: second copies of the metadata renewed", volumeName, pages.size());
    }

    private void writePage(RootBlock root, PageFinding page, int copy) throws StoreException {
        store.writePage(root, page.index(), copy, MetadataState.imageOrZeros(page.chosen()));
    }
}

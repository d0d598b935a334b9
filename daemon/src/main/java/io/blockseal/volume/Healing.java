package io.blockseal.volume;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
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

    void heal(List<PageFinding> pages) throws StoreException {
        // What was read may so far be in the system's memory alone; nothing may be built on it before it is on the
        // disk.
        store.flush();
        boolean changed = healKeySlots();
        for (PageFinding page : pages) {
            store.writePage(
                    chosen.root(), page.index(), 1 - page.chosenCopy(), MetadataState.imageOrZeros(page.chosen()));
            changed = true;
        }
        changed |= healRoot();
        if (changed) {
            store.flush();
            LOG.info("volume={} pages={}: second copies of the metadata renewed", volumeName, pages.size());
        }
    }

    private boolean healKeySlots() throws StoreException {
        KeySlotArea area = chosen.area();
        if (area == null) {
            return false;
        }
        boolean changed = false;
        for (int i = 0; i < MetadataLayout.COPIES; i++) {
            if (!Arrays.equals(roots.areaImage(i), area.image())) {
                store.writeKeySlots(i, area.image());
                changed = true;
            }
        }
        return changed;
    }

    private boolean healRoot() throws StoreException {
        RootBlock root = chosen.root();
        if (Arrays.equals(roots.rootImage(1 - chosen.copy()), root.image())) {
            return false;
        }
        store.writeRoot(1 - chosen.copy(), root.image());
        return true;
    }
}

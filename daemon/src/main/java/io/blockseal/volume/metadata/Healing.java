package io.blockseal.volume.metadata;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes all copies equal to what was chosen, before the next commit: a copy that a crash left over would otherwise come
 * alive with it (docs/format.md, "Opening"), an old one might still hold a key that was destroyed.
 *
 * <p>Where copies differ, a commit was cut short, perhaps by a failed flush. After that the system's memory may show
 * bytes that are not on the disk and that no flush writes any more. So the commit is made again, the chosen copies
 * included, in its own order, on every store: one copy, then the roots, then the other copy.
 */
public final class Healing {
    private static final Logger LOG = LoggerFactory.getLogger(Healing.class);
    private static final int NAMED_MAX = 8;

    private final String volumeName;
    private final MetadataCopies store;
    private final RootReader roots;
    private final int chosenCopy;
    private final @Nullable KeySlotArea area;

    /**
     * Heals what {@code roots} has read.
     *
     * @param chosenCopy which root was chosen, or -1 if none is whole
     * @param area what both key slot areas shall hold, or null to leave them
     */
    public Healing(
            String volumeName, MetadataCopies store, RootReader roots, int chosenCopy, @Nullable KeySlotArea area) {
        this.volumeName = volumeName;
        this.store = store;
        this.roots = roots;
        this.chosenCopy = chosenCopy;
        this.area = area;
    }

    /**
     * Heals; {@code root} is what every root shall be: the chosen one, or that with a warning added.
     *
     * @return whether anything had to be written
     */
    public boolean heal(RootBlock root, List<PageRepair> pages) throws StoreException {
        // What was read may so far be in the system's memory alone; nothing may be built on it before it is on the
        // disk.
        store.flush();
        List<String> renewed = renewed(root, pages);
        if (renewed.isEmpty()) {
            return false;
        }
        writePages(root, pages, true);
        writeAreas(root, true);
        store.flush();
        // The roots come before the second copies of pages: the warning must be there before what gave rise to it is
        // not.
        for (int copy : rootOrder()) {
            store.writeRoot(copy, root.image());
            store.flush(copy);
        }
        writePages(root, pages, false);
        writeAreas(root, false);
        store.flush();
        LOG.info(
                "volume={} commit={} pages={}: renewed {}", volumeName, root.commitSeq(), pages.size(), words(renewed));
        return true;
    }

    private void writePages(RootBlock root, List<PageRepair> pages, boolean first) throws StoreException {
        for (PageRepair page : pages) {
            ByteBuffer image = MetadataState.bytesOrZeros(page.content());
            for (int copy = 0; copy < roots.count(); copy++) {
                if (page.isFirst(copy) == first) {
                    store.writePage(root, page.index(), copy, image);
                }
            }
        }
    }

    private void writeAreas(RootBlock root, boolean first) throws StoreException {
        if (area == null) {
            return;
        }
        byte[] image = area.image();
        for (int copy = 0; copy < roots.count(); copy++) {
            boolean isFirst = copy == firstArea(root, MetadataCopies.firstOfStore(copy), image);
            if (isFirst == first) {
                store.writeKeySlots(copy, image);
            }
        }
    }

    /** The copy of a store that is right already, or else the one that the root names. */
    private int firstArea(RootBlock root, int firstOfStore, byte[] image) {
        for (int copy = firstOfStore; copy < firstOfStore + 2; copy++) {
            if (Arrays.equals(roots.areaImage(copy), image)) {
                return copy;
            }
        }
        return firstOfStore + root.keySlotArea();
    }

    /** Damaged roots have nothing to lose; then the chosen one, so that it is on the disk before its forerunners go. */
    private List<Integer> rootOrder() {
        List<Integer> order = new ArrayList<>();
        for (int copy = 0; copy < roots.count(); copy++) {
            if (copy != chosenCopy && roots.complaint(copy) != null) {
                order.add(copy);
            }
        }
        if (chosenCopy >= 0) {
            order.add(chosenCopy);
        }
        for (int copy = 0; copy < roots.count(); copy++) {
            if (!order.contains(copy)) {
                order.add(copy);
            }
        }
        return order;
    }

    /** What is not as it shall be, in words. */
    private List<String> renewed(RootBlock root, List<PageRepair> pages) {
        List<String> renewed = new ArrayList<>();
        byte[] rootImage = root.image();
        for (int copy = 0; copy < roots.count(); copy++) {
            if (!Arrays.equals(roots.rootImage(copy), rootImage)) {
                renewed.add(MetadataCopies.name("root", copy) + state(copy));
            }
        }
        for (int copy = 0; area != null && copy < roots.count(); copy++) {
            if (!Arrays.equals(roots.areaImage(copy), area.image())) {
                renewed.add(MetadataCopies.name("key slot area", copy));
            }
        }
        for (PageRepair page : pages) {
            renewed.add("table page " + page.index());
        }
        return renewed;
    }

    private String state(int copy) {
        if (roots.complaint(copy) != null) {
            return " (damaged)";
        }
        for (RootReader.Candidate candidate : roots.candidates()) {
            if (candidate.copy() == copy) {
                return " (of commit " + candidate.root().commitSeq() + ")";
            }
        }
        return "";
    }

    private static String words(List<String> renewed) {
        int more = renewed.size() - NAMED_MAX;
        return String.join(", ", renewed.subList(0, Math.min(NAMED_MAX, renewed.size())))
                + (more > 0 ? " and " + more + " more" : "");
    }
}

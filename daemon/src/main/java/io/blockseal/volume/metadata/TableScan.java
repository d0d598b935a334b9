package io.blockseal.volume.metadata;

import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.PageFinding.Copy;
import io.blockseal.volume.table.VolumeKeys;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads every page of the table, all copies, once, in large strides, and tells a visitor what each of them is. */
public final class TableScan {
    /** Takes what was found of a page. */
    public interface Visitor {
        void page(PageFinding finding) throws VolumeRefusedException;
    }

    private static final int STRIDE_PAGES = 256;
    private static final int HOPELESS_PAGES = 16;

    private final MetadataCopies store;
    private final RootBlock root;
    private final @Nullable VolumeKeys keys;
    private final int currentCopies;
    private final List<PageRoom> rooms = new ArrayList<>();
    private boolean salvaging;

    /**
     * Without keys, MACs are not looked at: a page counts as valid if its shape is.
     *
     * @param currentCopies a bit for each copy on a store that has {@code root}
     */
    public TableScan(MetadataCopies store, RootBlock root, @Nullable VolumeKeys keys, int currentCopies) {
        this.store = store;
        this.root = root;
        this.keys = keys;
        this.currentCopies = currentCopies;
    }

    /** From now on a page that cannot be read at all counts as damaged: for whoever is about to write it anew. */
    public TableScan salvaging() {
        salvaging = true;
        return this;
    }

    /** Shows every page to {@code visitor}, in order; on the calling thread. */
    public void run(Visitor visitor) throws StoreException, VolumeRefusedException {
        int end = root.pageCount();
        int first = 0;
        try {
            while (first < end) {
                int count = neighbours(first, end);
                List<Stride> strides = read(first, count);
                for (int i = 0; i < count; i++) {
                    if (!salvaging) {
                        requireReadable(strides, i);
                    }
                    visitor.page(look(first + i, i, strides));
                }
                first += count;
            }
        } finally {
            rooms.forEach(PageRoom::close);
        }
    }

    /** A copy of some neighbouring pages as far as the store could read it. */
    private record Stride(PageRoom images, Map<Integer, StoreException> unreadable) {
        /** Null if it cannot be read. */
        @Nullable
        ByteBuffer page(int index) {
            return unreadable.containsKey(index) ? null : images.pages(index, 1);
        }
    }

    private static void requireReadable(List<Stride> strides, int index) throws StoreException {
        @Nullable StoreException first = null;
        for (Stride stride : strides) {
            StoreException unreadable = stride.unreadable().get(index);
            if (unreadable == null) {
                return;
            }
            first = first == null ? unreadable : first;
        }
        if (first != null) {
            // Perhaps the storage is away for a moment: no reason to call the page lost.
            throw first;
        }
    }

    private List<Stride> read(int first, int count) {
        List<Stride> strides = new ArrayList<>();
        for (int copy = 0; copy < store.count(); copy++) {
            Stride stride = read(first, count, copy);
            if (MetadataCopies.onMirror(copy) && stride.unreadable().size() >= HOPELESS_PAGES) {
                store.leaveMirror(String.valueOf(
                        stride.unreadable().values().iterator().next().getMessage()));
                return strides.subList(0, MetadataLayout.COPIES);
            }
            strides.add(stride);
        }
        return strides;
    }

    /** In one go, or, if the store has a bad block there, page by page. */
    private Stride read(int first, int count, int copy) {
        Map<Integer, StoreException> unreadable = new TreeMap<>();
        PageRoom images = room(copy);
        try {
            store.readPages(root, first, copy, images.pages(0, count));
        } catch (StoreException wholeStride) {
            for (int i = 0; i < count; i++) {
                try {
                    store.readPages(root, first + i, copy, images.pages(i, 1));
                } catch (StoreException e) {
                    unreadable.put(i, e);
                }
            }
        }
        return new Stride(images, unreadable);
    }

    /** Room for a stride of that copy, for one stride after the other. */
    private PageRoom room(int copy) {
        if (copy == rooms.size()) {
            rooms.add(new PageRoom(Math.min(STRIDE_PAGES, root.pageCount())));
        }
        return rooms.get(copy);
    }

    /** How many pages from {@code page} on may be read or written in one go: of one extent, and not too many. */
    public static int neighbours(int page, int endPage) {
        int borderPage = MetadataLayout.pagesIn(MetadataLayout.extentOfPage(page) + 1);
        return Math.min(Math.min(borderPage, endPage) - page, STRIDE_PAGES);
    }

    private PageFinding look(int index, int inStride, List<Stride> strides) {
        int count = strides.size();
        List<@Nullable ByteBuffer> images = new ArrayList<>();
        Copy[] copies = new Copy[count];
        @Nullable TablePage[] pages = new TablePage[count];
        String[] complaints = new String[count];
        for (int copy = 0; copy < count; copy++) {
            ByteBuffer image = strides.get(copy).page(inStride);
            images.add(image);
            complaints[copy] = "";
            int twin = likeOneBefore(images, copy);
            if (twin >= 0) {
                copies[copy] = copies[twin];
                pages[copy] = pages[twin];
                complaints[copy] = complaints[twin];
            } else {
                lookAt(copy, index, image, copies, pages, complaints);
            }
        }
        return new PageFinding(index, copies, pages, complaints, currentCopies);
    }

    /** Copies are mostly equal, and one look, with one MAC, is enough for all that are. */
    private static int likeOneBefore(List<@Nullable ByteBuffer> images, int copy) {
        for (int i = 0; i < copy; i++) {
            if (Objects.equals(images.get(i), images.get(copy))) {
                return i;
            }
        }
        return -1;
    }

    private void lookAt(
            int copy,
            int index,
            @Nullable ByteBuffer image,
            Copy[] copies,
            @Nullable TablePage[] pages,
            String[] complaints) {
        if (image == null) {
            copies[copy] = Copy.DAMAGED;
            complaints[copy] = "cannot be read";
            return;
        }
        if (TablePage.isZero(image)) {
            copies[copy] = Copy.ZERO;
            return;
        }
        copies[copy] = Copy.DAMAGED;
        try {
            TablePage page = TablePage.decode(image, index, MetadataCopies.name("table page " + index + " copy", copy));
            if (!root.admits(index, page.vkEpoch())) {
                complaints[copy] = "vk_epoch: of volume key " + Integer.toUnsignedString(page.vkEpoch())
                        + ", and the volume has " + Integer.toUnsignedString(root.vkEpoch());
                page.wipeDeks();
            } else if (keys != null && !keys.verifies(page)) {
                complaints[copy] = PageFinding.WRONG_MAC;
                page.wipeDeks();
            } else {
                pages[copy] = page;
                copies[copy] = page.commitSeq() > root.commitSeq() ? Copy.ORPHAN : Copy.VALID;
            }
        } catch (MalformedVolumeException e) {
            complaints[copy] = e.field() + ": does not fit";
        }
    }
}

package io.blockseal.volume;

import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.PageFinding.Copy;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads every page of the table, both copies, once, in large strides, and tells a visitor what each of them is. */
final class TableScan {
    /** Takes what was found of a page. */
    interface Visitor {
        void page(PageFinding finding) throws VolumeRefusedException;
    }

    private static final int STRIDE_PAGES = 256;

    private final MetadataStore store;
    private final RootBlock root;
    private final @Nullable VolumeKeys keys;
    private boolean salvaging;

    /** Without keys, MACs are not looked at: a page counts as valid if its shape is. */
    TableScan(MetadataStore store, RootBlock root, @Nullable VolumeKeys keys) {
        this.store = store;
        this.root = root;
        this.keys = keys;
    }

    /** From now on a page that cannot be read at all counts as damaged: for whoever is about to write it anew. */
    TableScan salvaging() {
        salvaging = true;
        return this;
    }

    void run(Visitor visitor) throws StoreException, VolumeRefusedException {
        int end = root.pageCount();
        int first = 0;
        while (first < end) {
            int count = neighbours(first, end);
            Stride a = read(first, count, 0);
            Stride b = read(first, count, 1);
            for (int i = 0; i < count; i++) {
                StoreException unreadable = a.unreadable(i);
                if (unreadable != null && b.unreadable(i) != null && !salvaging) {
                    // Perhaps the storage is away for a moment: no reason to call the page lost.
                    throw unreadable;
                }
                visitor.page(look(first + i, a.page(i), b.page(i)));
            }
            first += count;
        }
    }

    /** A copy of some neighbouring pages as far as the store could read it. */
    private record Stride(byte[] images, Map<Integer, StoreException> unreadable) {
        /** Null if it cannot be read. */
        byte @Nullable [] page(int index) {
            return unreadable.containsKey(index) ? null : slice(images, index);
        }

        @Nullable
        StoreException unreadable(int index) {
            return unreadable.get(index);
        }
    }

    /** In one go, or, if the store has a bad block there, page by page. */
    private Stride read(int first, int count, int copy) {
        Map<Integer, StoreException> unreadable = new HashMap<>();
        try {
            return new Stride(store.readPages(root, first, count, copy), unreadable);
        } catch (StoreException wholeStride) {
            byte[] images = new byte[count * MetadataLayout.BLOCK_BYTES];
            for (int i = 0; i < count; i++) {
                try {
                    byte[] page = store.readPages(root, first + i, 1, copy);
                    System.arraycopy(page, 0, images, i * MetadataLayout.BLOCK_BYTES, page.length);
                } catch (StoreException e) {
                    unreadable.put(i, e);
                }
            }
            return new Stride(images, unreadable);
        }
    }

    /** How many pages from {@code page} on may be read or written in one go: of one extent, and not too many. */
    static int neighbours(int page, int endPage) {
        int borderPage = MetadataLayout.pagesIn(MetadataLayout.extentOfPage(page) + 1);
        return Math.min(Math.min(borderPage, endPage) - page, STRIDE_PAGES);
    }

    private PageFinding look(int index, byte @Nullable [] imageA, byte @Nullable [] imageB) {
        Copy[] copies = new Copy[MetadataLayout.COPIES];
        @Nullable TablePage[] pages = new TablePage[MetadataLayout.COPIES];
        String[] complaints = {"", ""};
        lookAt(0, index, imageA, copies, pages, complaints);
        if (Arrays.equals(imageA, imageB)) {
            copies[1] = copies[0];
            pages[1] = pages[0];
            complaints[1] = complaints[0];
        } else {
            lookAt(1, index, imageB, copies, pages, complaints);
        }
        return new PageFinding(index, copies, pages, complaints);
    }

    private void lookAt(
            int copy,
            int index,
            byte @Nullable [] image,
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
            TablePage page =
                    TablePage.decode(image, index, "table page " + index + " copy " + MetadataLayout.letter(copy));
            if (keys != null && !keys.verifies(page)) {
                complaints[copy] = "mac: does not verify";
            } else {
                pages[copy] = page;
                copies[copy] = page.commitSeq() > root.commitSeq() ? Copy.ORPHAN : Copy.VALID;
            }
        } catch (MalformedVolumeException e) {
            complaints[copy] = e.field() + ": does not fit";
        }
    }

    private static byte[] slice(byte[] stride, int index) {
        int from = index * MetadataLayout.BLOCK_BYTES;
        return Arrays.copyOfRange(stride, from, from + MetadataLayout.BLOCK_BYTES);
    }
}

package io.blockseal.volume;

import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.PageFinding.Copy;
import java.util.Arrays;
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

    /** Without keys, MACs are not looked at: a page counts as valid if its shape is. */
    TableScan(MetadataStore store, RootBlock root, @Nullable VolumeKeys keys) {
        this.store = store;
        this.root = root;
        this.keys = keys;
    }

    void run(Visitor visitor) throws StoreException, VolumeRefusedException {
        int end = root.pageCount();
        int first = 0;
        while (first < end) {
            int count = neighbours(first, end);
            byte[][] stride = {store.readPages(root, first, count, 0), store.readPages(root, first, count, 1)};
            for (int i = 0; i < count; i++) {
                visitor.page(look(first + i, slice(stride[0], i), slice(stride[1], i)));
            }
            first += count;
        }
    }

    /** How many pages from {@code page} on may be read or written in one go: of one extent, and not too many. */
    static int neighbours(int page, int endPage) {
        int borderPage = MetadataLayout.pagesIn(MetadataLayout.extentOfPage(page) + 1);
        return Math.min(Math.min(borderPage, endPage) - page, STRIDE_PAGES);
    }

    private PageFinding look(int index, byte[] imageA, byte[] imageB) {
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
            int copy, int index, byte[] image, Copy[] copies, @Nullable TablePage[] pages, String[] complaints) {
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

package io.blockseal.format;

/**
 * Where roots, key slot areas and table pages lie in the metadata extents (docs/format.md, "Metadata extents").
 *
 * <p>Extent 0 holds both roots, both key slot areas and the first table pages; every further extent holds table pages
 * alone. All offsets are in bytes. A <em>copy</em> is 0 (A) or 1 (B).
 */
public final class MetadataLayout {
    /** Roots and table pages are blocks of this size. */
    public static final int BLOCK_BYTES = 4096;
    /** Everything that matters exists twice. */
    public static final int COPIES = 2;
    /** Size of a metadata extent. */
    public static final long EXTENT_BYTES = 64L << 20;
    /** How many extents a root can name. */
    public static final int EXTENTS_MAX = 64;

    /** Root B lies this far behind root A, so that no tool that clobbers the start of a disk takes both. */
    public static final long ROOT_STRIDE_BYTES = 1L << 20;
    /** A key slot area lies this far behind the root of the same letter. */
    public static final long KEY_SLOTS_OFFSET = 64L << 10;
    /** Where the first extent's table pages begin. */
    public static final long FIRST_PAGES_OFFSET = COPIES * ROOT_STRIDE_BYTES;
    /** Page pairs in extent 0. */
    public static final int FIRST_EXTENT_PAGES = (int) ((EXTENT_BYTES - FIRST_PAGES_OFFSET) / COPIES / BLOCK_BYTES);
    /** Page pairs in every further extent. */
    public static final int LATER_EXTENT_PAGES = (int) (EXTENT_BYTES / COPIES / BLOCK_BYTES);
    /** Page pairs in as many extents as there can be. */
    public static final int PAGES_MAX = FIRST_EXTENT_PAGES + (EXTENTS_MAX - 1) * LATER_EXTENT_PAGES;

    static {
        LayoutCheck.same("page pairs in extent 0", FIRST_EXTENT_PAGES, 7936);
        LayoutCheck.same("table pages B", pageOffsetInExtent(0, 1), 33L << 20);
        LayoutCheck.same(
                "end of extent 0", FIRST_PAGES_OFFSET + (long) COPIES * FIRST_EXTENT_PAGES * BLOCK_BYTES, EXTENT_BYTES);
        LayoutCheck.same("end of extent 1", (long) COPIES * LATER_EXTENT_PAGES * BLOCK_BYTES, EXTENT_BYTES);
        LayoutCheck.atMost("key slot area", KEY_SLOTS_OFFSET + KeySlotArea.AREA_BYTES, ROOT_STRIDE_BYTES);
    }

    private MetadataLayout() {}

    /** "A" or "B". */
    public static String letter(int copy) {
        return copy == 0 ? "A" : "B";
    }

    /** Where a root lies, from the start of extent 0. */
    public static long rootOffset(int copy) {
        return copy * ROOT_STRIDE_BYTES;
    }

    /** Where a key slot area lies, from the start of extent 0. */
    public static long keySlotAreaOffset(int area) {
        return rootOffset(area) + KEY_SLOTS_OFFSET;
    }

    /** Which extent a page lies in. */
    public static int extentOfPage(int pageIndex) {
        return pageIndex < FIRST_EXTENT_PAGES ? 0 : 1 + (pageIndex - FIRST_EXTENT_PAGES) / LATER_EXTENT_PAGES;
    }

    /** Where a page copy lies, from the start of its extent. */
    public static long pageOffsetInExtent(int pageIndex, int copy) {
        if (pageIndex < FIRST_EXTENT_PAGES) {
            return FIRST_PAGES_OFFSET + ((long) copy * FIRST_EXTENT_PAGES + pageIndex) * BLOCK_BYTES;
        }
        long pageInExtent = ((long) pageIndex - FIRST_EXTENT_PAGES) % LATER_EXTENT_PAGES;
        return ((long) copy * LATER_EXTENT_PAGES + pageInExtent) * BLOCK_BYTES;
    }

    /** How many page pairs {@code extentCount} extents hold. */
    public static int pagesIn(int extentCount) {
        return FIRST_EXTENT_PAGES + (extentCount - 1) * LATER_EXTENT_PAGES;
    }

    /** How many table pages so many ranges need. */
    public static long pagesFor(long rangeCount) {
        return (rangeCount + TablePage.ENTRIES - 1) / TablePage.ENTRIES;
    }

    /** How many extents so many ranges need; may be more than {@link #EXTENTS_MAX}. */
    public static long extentsFor(long rangeCount) {
        long later = pagesFor(rangeCount) - FIRST_EXTENT_PAGES;
        return later <= 0 ? 1 : 1 + (later + LATER_EXTENT_PAGES - 1) / LATER_EXTENT_PAGES;
    }
}

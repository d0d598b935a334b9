package io.blockseal.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MetadataLayoutTest {
    @Test
    void putsEverythingWhereTheSpecificationSays() {
        assertEquals(1 << 20, MetadataLayout.rootOffset(1));
        assertEquals(64 << 10, MetadataLayout.keySlotAreaOffset(0));
        assertEquals((1 << 20) + (64 << 10), MetadataLayout.keySlotAreaOffset(1));
        assertEquals(2 << 20, MetadataLayout.pageOffsetInExtent(0, 0));
        assertEquals(33 << 20, MetadataLayout.pageOffsetInExtent(0, 1));
        assertEquals((33 << 20) - 4096, MetadataLayout.pageOffsetInExtent(7935, 0));
        assertEquals((64 << 20) - 4096, MetadataLayout.pageOffsetInExtent(7935, 1));
    }

    @Test
    void goesOnInFurtherExtents() {
        assertEquals(0, MetadataLayout.extentOfPage(7935));
        assertEquals(1, MetadataLayout.extentOfPage(7936));
        assertEquals(0, MetadataLayout.pageOffsetInExtent(7936, 0));
        assertEquals(32 << 20, MetadataLayout.pageOffsetInExtent(7936, 1));
        assertEquals(1, MetadataLayout.extentOfPage(7936 + 8191));
        assertEquals(2, MetadataLayout.extentOfPage(7936 + 8192));
    }

    @Test
    void holdsFifteenTebibytesAtTheDefaultRangeSize() {
        long ranges = 246_016;
        assertEquals(1, MetadataLayout.extentsFor(ranges));
        assertEquals(2, MetadataLayout.extentsFor(ranges + 1));
        assertEquals(64, MetadataLayout.extentsFor((long) MetadataLayout.PAGES_MAX * 31));
        assertEquals(65, MetadataLayout.extentsFor((long) MetadataLayout.PAGES_MAX * 31 + 1));
    }
}

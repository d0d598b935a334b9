package io.blockseal.volume.table;

import io.blockseal.format.TablePage;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages of the table that are worth a commit since their ranges have enciphered more than the pages say, a few dozen at a
 * time so that no commit takes long. On the keeper only.
 */
public final class CountedPages {
    private static final int GROUP_PAGES = 64;

    private final DekTable table;
    private final VolumeKeys keys;

    /** Of that table; pages get their MAC by {@code keys}. */
    public CountedPages(DekTable table, VolumeKeys keys) {
        this.table = table;
        this.keys = keys;
    }

    /** Pages from {@code from} on of ranges that have passed a share, to be changed; empty if there are none. */
    public List<TablePage> nextGrown(int from) {
        List<TablePage> pages = new ArrayList<>();
        long range = table.enciphered().takeGrownFrom(TablePage.firstRange(from));
        while (range >= 0) {
            int index = TablePage.pageOf(range);
            addIfBehind(pages, index);
            if (pages.size() == GROUP_PAGES) {
                return pages;
            }
            // The counts of its neighbours are on the same page.
            while (range >= 0 && TablePage.pageOf(range) == index) {
                range = table.enciphered().takeGrownFrom(range + 1);
            }
        }
        return pages;
    }

    /** Pages from {@code from} on that say less than was enciphered, to be changed; empty if there are none. */
    public List<TablePage> nextBehind(int from) {
        List<TablePage> pages = new ArrayList<>();
        for (int index = from; index < table.pageCount() && pages.size() < GROUP_PAGES; index++) {
            addIfBehind(pages, index);
        }
        return pages;
    }

    private void addIfBehind(List<TablePage> pages, int index) {
        TablePage page = table.page(index);
        if (page != null && table.isBehind(page)) {
            pages.add(keys.forChange(page));
        }
    }
}

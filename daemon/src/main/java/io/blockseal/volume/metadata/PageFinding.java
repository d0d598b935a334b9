package io.blockseal.volume.metadata;

import io.blockseal.format.TablePage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the scan found of one page: its copies, on all stores, and which of them is to be believed. */
public final class PageFinding {
    /** What one copy is. */
    public enum Copy {
        /** Never written: all its ranges are NONE. Counts as commit 0. */
        ZERO,
        /** Right MAC, and of a commit that the root has seen. */
        VALID,
        /** Right MAC, but of a commit that never reached a root. */
        ORPHAN,
        /** Anything else. */
        DAMAGED
    }

    /** What is said of a copy whose MAC is wrong although its shape is right. */
    public static final String WRONG_MAC = "mac: does not verify";

    private final int index;
    private final Copy[] copies;
    private final @Nullable TablePage[] pages;
    private final String[] complaints;
    private final int currentCopies;
    private int chosen;

    /** {@code currentCopies} has a bit for each copy on a store that has the root. */
    PageFinding(int index, Copy[] copies, @Nullable TablePage[] pages, String[] complaints, int currentCopies) {
        this.index = index;
        this.copies = copies;
        this.pages = pages;
        this.complaints = complaints;
        this.currentCopies = currentCopies;
        int trusted = newest(currentCopies);
        this.chosen = trusted < 0 ? newest(-1) : trusted;
    }

    /** Of the page. */
    public int index() {
        return index;
    }

    /** How many copies there are. */
    public int count() {
        return copies.length;
    }

    /** What that copy is. */
    public Copy copy(int copy) {
        return copies[copy];
    }

    /** What is wrong with a damaged copy. */
    public String complaint(int copy) {
        return complaints[copy];
    }

    /**
     * The copy with the greatest commit that the root has seen, or -1: the page is lost. One on a store that has the
     * root comes first: what a store holds that lags behind may be of a commit that never was.
     */
    public int chosenCopy() {
        return chosen;
    }

    /** The newest copy that the root may have seen on any store. */
    int newestCopy() {
        return newest(-1);
    }

    /** Whether the copy chosen, if there is one, lies on a store that lags behind: only table_root can say if it is right. */
    boolean borrowed() {
        return chosen >= 0 && (currentCopies >> chosen & 1) == 0;
    }

    /** Believes another copy than the first choice; -1 gives the page up. */
    void choose(int copy) {
        chosen = copy;
    }

    /** Whether no copy can be believed. */
    public boolean lost() {
        return chosen < 0;
    }

    /** The content to be believed, or null for a page of NONE ranges (or a lost one). */
    @Nullable
    public TablePage chosen() {
        return chosen < 0 ? null : pages[chosen];
    }

    /** What that copy holds, if its shape is right. */
    @Nullable
    public TablePage page(int copy) {
        return copy < 0 ? null : pages[copy];
    }

    /** Whether a copy is not as the chosen one, so that opening for writing makes it so. */
    public boolean differs(int copy) {
        return chosen >= 0 && !isLike(copy, pages[chosen]);
    }

    /** Whether any copy is not as the chosen one. */
    boolean needsHealing() {
        for (int copy = 0; copy < copies.length; copy++) {
            if (differs(copy)) {
                return true;
            }
        }
        return false;
    }

    /** Whether two copies claim to be of one commit and yet differ: without their MACs nobody knows which is right. */
    public boolean isAmbiguous() {
        for (int one = 0; one < copies.length; one++) {
            for (int two = 0; two < one; two++) {
                TablePage page = pages[two];
                TablePage other = pages[one];
                boolean same = page != null && other != null && other.commitSeq() == page.commitSeq();
                if (same && !isLike(one, page)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether some copy is of a commit that never landed. */
    boolean hasOrphan() {
        return Arrays.asList(copies).contains(Copy.ORPHAN);
    }

    boolean hasDamage() {
        return Arrays.asList(copies).contains(Copy.DAMAGED);
    }

    /** Whether a copy has the shape of this page, but the MAC of another volume or of somebody's guess. */
    boolean isSealedByAnother(int copy) {
        return copies[copy] == Copy.DAMAGED && complaints[copy].equals(WRONG_MAC);
    }

    /** Whether the primary has a copy of a later commit and none that is like the chosen one. */
    boolean primaryIsAhead() {
        boolean ahead = false;
        for (int copy = 0; copy < 2; copy++) {
            ahead |= copies[copy] == Copy.ORPHAN;
            if (!differs(copy)) {
                return false;
            }
        }
        return ahead;
    }

    /** What is to be written so that every copy holds {@code truth}, null being zeros. */
    PageRepair repair(@Nullable TablePage truth) {
        int first = 0;
        for (int store = 0; store < copies.length; store += 2) {
            first |= 1 << firstOf(store, truth);
            for (int copy = store; copy < store + 2; copy++) {
                if (outranks(copy, truth)) {
                    first |= 1 << copy;
                }
            }
        }
        return new PageRepair(index, truth, first);
    }

    /** Whether a copy holds exactly {@code truth}, null being zeros. */
    boolean isLike(int copy, @Nullable TablePage truth) {
        if (truth == null) {
            return copies[copy] == Copy.ZERO;
        }
        TablePage page = pages[copy];
        return page != null && page.sameAs(truth);
    }

    /**
     * The copy of a store to be written before the root: one that is right already, so that it is made durable; else one
     * that is of no use, so that what the store has is whole until its root is changed.
     */
    private int firstOf(int store, @Nullable TablePage truth) {
        for (int copy = store; copy < store + 2; copy++) {
            if (isLike(copy, truth)) {
                return copy;
            }
        }
        if (copies[store + 1] == Copy.DAMAGED || copies[store] == Copy.DAMAGED) {
            return copies[store + 1] == Copy.DAMAGED ? store + 1 : store;
        }
        return seen(store) <= seen(store + 1) ? store : store + 1;
    }

    /** Whether a copy would win against the right one under the new root; it must be gone before that is there. */
    private boolean outranks(int copy, @Nullable TablePage truth) {
        return copies[copy] == Copy.VALID
                && !isLike(copy, truth)
                && seen(copy) >= (truth == null ? 0 : truth.commitSeq());
    }

    /** Nobody looks at the copies any more: wipes the wrapped DEKs of all but {@code kept}, if that is given. */
    public void wipeBut(@Nullable TablePage kept) {
        for (TablePage page : pages) {
            if (page != null && page != kept) {
                page.wipeDeks();
            }
        }
    }

    private int newest(int ofCopies) {
        int best = -1;
        for (int copy = 0; copy < copies.length; copy++) {
            boolean counts = (ofCopies >> copy & 1) != 0;
            if (counts && seen(copy) >= 0 && (best < 0 || seen(copy) > seen(best))) {
                best = copy;
            }
        }
        return best;
    }

    private long seen(int copy) {
        if (copies[copy] == Copy.ZERO) {
            return 0;
        }
        TablePage page = pages[copy];
        return copies[copy] == Copy.VALID && page != null ? page.commitSeq() : -1;
    }
}

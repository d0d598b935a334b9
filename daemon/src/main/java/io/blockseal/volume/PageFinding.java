package io.blockseal.volume;

import io.blockseal.format.TablePage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the scan found of one page: its two copies and which of them is to be believed. */
final class PageFinding {
    /** What one copy is. */
    enum Copy {
        /** Never written: all its ranges are NONE. Counts as commit 0. */
        ZERO,
        /** Right MAC, and of a commit that the root has seen. */
        VALID,
        /** Right MAC, but of a commit that never reached a root. */
        ORPHAN,
        /** Anything else. */
        DAMAGED
    }

    private final int index;
    private final Copy[] copies;
    private final @Nullable TablePage[] pages;
    private final String[] complaints;

    PageFinding(int index, Copy[] copies, @Nullable TablePage[] pages, String[] complaints) {
        this.index = index;
        this.copies = copies;
        this.pages = pages;
        this.complaints = complaints;
    }

    int index() {
        return index;
    }

    Copy copy(int copy) {
        return copies[copy];
    }

    /** What is wrong with a damaged copy. */
    String complaint(int copy) {
        return complaints[copy];
    }

    /** The copy with the greatest commit that the root has seen, or -1: the page is lost. */
    int chosenCopy() {
        long a = seen(0);
        long b = seen(1);
        if (a < 0 && b < 0) {
            return -1;
        }
        return b > a ? 1 : 0;
    }

    boolean lost() {
        return chosenCopy() < 0;
    }

    /** The content to be believed, or null for a page of NONE ranges (or a lost one). */
    @Nullable
    TablePage chosen() {
        int chosen = chosenCopy();
        return chosen < 0 ? null : pages[chosen];
    }

    @Nullable
    TablePage page(int copy) {
        return copy < 0 ? null : pages[copy];
    }

    /** Whether the two copies differ, so that opening for writing makes them equal. */
    boolean needsHealing() {
        int chosen = chosenCopy();
        if (chosen < 0) {
            return false;
        }
        Copy other = copies[1 - chosen];
        if (other != copies[chosen]) {
            return true;
        }
        TablePage one = pages[0];
        TablePage two = pages[1];
        return one != null && two != null && !Arrays.equals(one.image(), two.image());
    }

    /** Whether both copies claim to be of one commit and yet differ: without their MACs nobody knows which is right. */
    boolean isAmbiguous() {
        TablePage one = pages[0];
        TablePage two = pages[1];
        return one != null
                && two != null
                && one.commitSeq() == two.commitSeq()
                && !Arrays.equals(one.image(), two.image());
    }

    /** Whether some copy is of a commit that never landed. */
    boolean hasOrphan() {
        return copies[0] == Copy.ORPHAN || copies[1] == Copy.ORPHAN;
    }

    boolean hasDamage() {
        return copies[0] == Copy.DAMAGED || copies[1] == Copy.DAMAGED;
    }

    private long seen(int copy) {
        if (copies[copy] == Copy.ZERO) {
            return 0;
        }
        TablePage page = pages[copy];
        return copies[copy] == Copy.VALID && page != null ? page.commitSeq() : -1;
    }
}

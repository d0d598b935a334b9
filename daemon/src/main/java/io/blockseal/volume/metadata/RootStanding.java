package io.blockseal.volume.metadata;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.volume.metadata.RootReader.Candidate;
import java.util.Arrays;
import java.util.function.Predicate;

/**
 * How the other copies of the root stand to the one that was chosen: which stores are up to date with it, and whether
 * one that is damaged may have been newer.
 */
public final class RootStanding {
    private final RootReader roots;
    private final Candidate chosen;
    private final int currentCopies;

    /** {@code genuine} says whether a root with a right CRC may be believed. */
    public RootStanding(RootReader roots, Candidate chosen, Predicate<RootBlock> genuine) {
        this.roots = roots;
        this.chosen = chosen;
        int current = 0;
        for (Candidate candidate : roots.candidates()) {
            if (isOfSameCommit(candidate.root())
                    && (candidate.copy() == chosen.copy() || genuine.test(candidate.root()))) {
                current |= 0b11 << MetadataCopies.firstOfStore(candidate.copy());
            }
        }
        this.currentCopies = current;
    }

    private boolean isOfSameCommit(RootBlock other) {
        return other.commitSeq() == chosen.root().commitSeq()
                && Arrays.equals(other.tableRoot(), chosen.root().tableRoot());
    }

    /** What was read. */
    public RootReader roots() {
        return roots;
    }

    /** The root that is believed. */
    public Candidate chosen() {
        return chosen;
    }

    /** A bit for each copy: set for those on a store that has a root of the chosen commit. */
    public int currentCopies() {
        return currentCopies;
    }

    /** Whether the primary has no root of that commit: the mirror alone knows of it. */
    boolean mirrorAlone() {
        return (currentCopies & 1) == 0;
    }

    /** Whether a key slot area on the primary is the one that the chosen root names. */
    boolean primaryHasKeySlots() {
        KeySlotArea area = chosen.area();
        for (int copy = 0; area != null && copy < MetadataLayout.COPIES; copy++) {
            if (Arrays.equals(roots.areaImage(copy), area.image())) {
                return true;
            }
        }
        return false;
    }

    /** Whether the mirror was written to before, but not by the chosen commit. */
    public boolean mirrorLags() {
        int mirrorA = MetadataLayout.COPIES;
        return roots.count() > mirrorA
                && (currentCopies & 1 << mirrorA) == 0
                && roots.candidates().stream().anyMatch(candidate -> MetadataCopies.onMirror(candidate.copy()));
    }

    /** How a root that is whole, but not like the chosen one, differs from it. */
    public String lags(int copy) {
        for (Candidate candidate : roots.candidates()) {
            long seq = candidate.root().commitSeq();
            if (candidate.copy() == copy && seq < chosen.root().commitSeq()) {
                return "lags behind: it is of commit " + seq + ", the volume is at "
                        + chosen.root().commitSeq();
            }
        }
        return "is not like the other";
    }

    /**
     * Whether the primary has a root that may have been newer than the chosen one before it was damaged: it is not the
     * twin of a root of this commit, nor its forerunner. Two different roots of one commit are what {@link Healing}
     * leaves when it is cut short. The primary alone is asked, since no root is written before the primary's.
     */
    public boolean mayHaveFallenBack() {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            if (copy != chosen.copy() && !isTwinOrForerunner(copy)) {
                return true;
            }
        }
        return false;
    }

    private boolean isTwinOrForerunner(int copy) {
        for (Candidate other : roots.candidates()) {
            if (other.copy() == copy) {
                boolean same = Arrays.equals(other.root().image(), chosen.root().image());
                return same || other.root().commitSeq() < chosen.root().commitSeq();
            }
        }
        return false;
    }
}

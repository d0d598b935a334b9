package io.blockseal.fault;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * A suite that finds nothing proves something only if it would find what is there: each of these plants a bug, and the
 * case that is named must fail. docs/durability.md lists them.
 */
class PlantedBugsTest {
    private final Lab lab = new Lab();

    @AfterEach
    void close() {
        lab.close();
    }

    private static void assertCaught(String what, Executable crashCase) {
        CaughtException caught = assertThrows(CaughtException.class, crashCase, "the planted bug is not seen");
        assertTrue(caught.getMessage().contains(what), "seen for another reason: " + caught.getMessage());
    }

    private CommitCases commits(Mutation bug) {
        return new CommitCases(lab, bug);
    }

    @Test
    void c1SeesThatTheFlushOfThePagesIsSkipped() throws Exception {
        assertCaught("the table is not the one that the root describes", () -> commits(PlantedBugs.skippedFlush(0))
                .c1());
    }

    @Test
    void c2SeesThatTheFlushOfTheRootIsSkipped() throws Exception {
        assertCaught(
                "one damaged copy and one of a commit that was cut short",
                () -> commits(PlantedBugs.skippedFlush(1)).c2());
    }

    @Test
    void c2SeesThatASequenceNumberIsUsedTwice() throws Exception {
        assertCaught(
                "the table is not the one that the root describes",
                () -> commits(PlantedBugs.reusedSequenceNumber(lab)).c2());
    }

    @Test
    void c3SeesThatTheSecondCopiesAreOverwrittenBeforeTheCommit() throws Exception {
        assertCaught(
                "one damaged copy and one of a commit that was cut short",
                () -> commits(PlantedBugs.scrubBeforeCommit()).c3());
    }

    @Test
    void c4SeesThatAnOrphanIsForgotten() throws Exception {
        assertCaught("the table is not the one that the root describes", () -> commits(PlantedBugs.forgottenOrphan())
                .c4());
    }

    @Test
    void c2SeesThatDataIsWrittenBeforeItsDekIsCommitted() throws Exception {
        assertCaught("reads as noise instead of zeros", () -> commits(PlantedBugs.dataBeforeDekCommit())
                .c2());
    }

    @Test
    void c1SeesThatTheRootIsWrittenBeforeItsPages() throws Exception {
        assertCaught("the table is not the one that the root describes", () -> commits(PlantedBugs.rootBeforePages())
                .c1());
    }

    @Test
    void c8SeesThatTheCopyIsNotFlushedBeforeItIsCommitted() throws Exception {
        assertCaught("but was to be write", () -> new RotationCases(lab, PlantedBugs.dataFlushesSkipped()).c8());
    }

    @Test
    void c8SeesThatTheSpareSlotIsNotZeroedBeforeTheCopy() throws Exception {
        assertCaught("reads as noise", () -> new RotationCases(lab, PlantedBugs.noZeroOfWholeSlots()).c8());
    }

    @Test
    void c11SeesThatTheScrubOfTheOldDekIsNotFlushed() throws Exception {
        assertCaught(
                "yet the old DEK is on the disk", () -> new RotationCases(lab, PlantedBugs.scrubNotFlushed()).c11());
    }

    @Test
    void c12SeesThatASlotIsNotZeroedBeforeItsReuse() throws Exception {
        assertCaught(
                "reads as noise instead of zeros", () -> new ShredCases(lab, PlantedBugs.noZeroBeforeReuse()).c12());
    }

    @Test
    void c12SeesThatTheFlushOfTheScrubIsSkipped() throws Exception {
        assertCaught("yet the old DEK is on the disk", () -> new ShredCases(lab, PlantedBugs.skippedFlush(2)).c12());
    }

    @Test
    void c15SeesThatARemovedKeySlotIsLeftInTheOldArea() throws Exception {
        assertCaught("gone, yet its bytes are there", () -> new KeySlotCases(lab, PlantedBugs.oldKeySlotsLeft()).c15());
    }
}

package io.blockseal.fault;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.suite.SuiteTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Pulls the plug after every single operation, with every kind of loss, and looks at what an operator finds. A disk is
 * taken to write 512 bytes at once and no more. docs/durability.md explains the cases.
 */
@TestMethodOrder(MethodOrderer.MethodName.class)
class CrashSuiteTest {
    private static final SuiteTable TABLE = new SuiteTable("crash");

    private final Lab lab = new Lab();
    private final CommitCases commits = new CommitCases(lab, Mutation.NONE);
    private final FailureCases failures = new FailureCases(lab);
    private final KeySlotCases keySlots = new KeySlotCases(lab, Mutation.NONE);
    private final RotationCases rotations = new RotationCases(lab, Mutation.NONE);
    private final ShredCases shreds = new ShredCases(lab, Mutation.NONE);
    private final SizeCases sizes = new SizeCases(lab);

    @AfterEach
    void close() {
        lab.close();
    }

    @AfterAll
    static void publish() throws IOException {
        TABLE.publish();
        requireDocumented();
    }

    /** The document must not promise what was not tried, so its numbers are those of this run. */
    private static void requireDocumented() throws IOException {
        Path page = Path.of("..", "docs", "durability.md");
        List<SuiteTable.Row> documented = TABLE.documentedIn(page);
        List<SuiteTable.Row> tried = TABLE.rows();
        long cases = Stream.of(CrashSuiteTest.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .count();
        boolean all = tried.size() == cases;
        boolean replayed = System.getProperty("blockseal.crash.seed") != null;
        boolean same = all ? documented.equals(tried) : documented.containsAll(tried);
        assertTrue(
                same || replayed,
                () -> "docs/durability.md is not what was tried; if a case was changed on purpose, it has to say\n\n"
                        + TABLE.markdown());
    }

    @Test
    void c01TheFirstWriteToARangeIsThereOrNotAndNeverNoise() throws Exception {
        commits.c1().end(TABLE);
    }

    @Test
    void c02WhatWasFlushedRightAfterTheFirstTouchIsThere() throws Exception {
        commits.c2().end(TABLE);
    }

    @Test
    void c03APageWithoutItsRootIsOverwritten() throws Exception {
        commits.c3().end(TABLE);
    }

    @Test
    void c04APageWithoutItsRootNeverComesAlive() throws Exception {
        commits.c4().end(TABLE);
    }

    @Test
    void c05ATornRootLosesNothing() throws Exception {
        commits.c5().end(TABLE);
    }

    @Test
    void c06TwoTornRootsAreRefused() throws Exception {
        commits.c6().end(TABLE);
    }

    @Test
    void c07AFailedCommitStopsNewRangesOnlyAndOpeningHeals() throws Exception {
        failures.c7().end(TABLE);
    }

    @Test
    void c08ARangeWhoseDekIsRotatedIsInOnePlace() throws Exception {
        rotations.c8().end(TABLE);
    }

    @Test
    void c09ARangeWhoseDekIsRotatedIsNeverTorn() throws Exception {
        rotations.c9().end(TABLE);
    }

    @Test
    void c11TheOldDekIsGoneAndTheOldSlotServesAgain() throws Exception {
        rotations.c11().end(TABLE);
    }

    @Test
    void c12AShreddedRangeIsZerosForEver() throws Exception {
        shreds.c12().end(TABLE);
    }

    @Test
    void c13AVolumeWithAnotherVolumeKeyIsReadableThroughoutAndEndsWithoutTheOldOne() throws Exception {
        new VolumeKeyCases(lab, Mutation.NONE).c13().end(TABLE);
    }

    @Test
    void c14ARotatedKekLeavesOneThatOpens() throws Exception {
        keySlots.c14().end(TABLE);
    }

    @Test
    void c15AKeySlotIsAddedOrRemovedWhollyOrNotAtAll() throws Exception {
        keySlots.c15().end(TABLE);
    }

    @Test
    void c16AVolumeThatGrowsHasOneSizeOrTheOther() throws Exception {
        sizes.c16().end(TABLE);
    }

    @Test
    void c18AMirrorAndItsVolumeMayDivergeAndEitherMayBeLost() throws Exception {
        new MirrorCases(lab).c18().end(TABLE);
    }

    @Test
    void c19AFullStoreFailsOneWriteOnly() throws Exception {
        failures.c19().end(TABLE);
    }

    @Test
    void createLeavesAWholeVolumeOrNone() throws Exception {
        sizes.create().end(TABLE);
    }

    @Test
    void doubtLeavesARangeInOnePlace() throws Exception {
        rotations.doubt().end(TABLE);
    }

    @Test
    void eraseLeavesAVolumeThatOpensAsBeforeOrNeverAgain() throws Exception {
        new EraseCases(lab).erase().end(TABLE);
    }

    @Test
    void lyingDrivesLoseNothingOlderThanTheLie() throws Exception {
        failures.lying().end(TABLE);
    }

    @Test
    void randomWorkLosesNothingInFourLives() throws Exception {
        new RandomCases(lab).random().end(TABLE);
    }

    @Test
    void killedProcessesLoseNothingWhenThePowerFailsLater() throws Exception {
        failures.kill().end(TABLE);
    }
}

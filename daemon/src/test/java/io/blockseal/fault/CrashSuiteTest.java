package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.suite.SuiteTable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Pulls the plug after every single operation, with every kind of loss, and looks at what an operator finds. A disk is
 * taken to write 512 bytes at once and no more.
 */
class CrashSuiteTest {
    private static final SuiteTable TABLE = new SuiteTable("crash");
    private static final int SECTORS_PER_RANGE = 128;

    private final Lab lab = new Lab();

    @AfterAll
    static void publish() {
        TABLE.publish();
    }

    @Test
    void c1TheFirstWriteToARangeIsThereOrNotAndNeverNoise() throws Exception {
        CrashCase c1 = new CrashCase(lab, "C1", "first write to a range, and a second crash during the repair");
        for (Layout layout : Layout.ALL) {
            try (Scene scene = new Scene(lab, layout)) {
                scene.guest().write((layout.ranges() - 1) * SECTORS_PER_RANGE + 8, 8);
                scene.guest().flush();
                scene.record();
                scene.guest().write(SECTORS_PER_RANGE + 3, 10);
                scene.guest().write(SECTORS_PER_RANGE + 100, 4, BlockRequest.FUA);
                scene.guest().write(2 * SECTORS_PER_RANGE, 16);
                scene.guest().flush();
                c1.cutEverywhere(scene, (cut, sight) -> {});
                c1.cutTwice(scene);
            }
        }
        c1.end(TABLE);
    }
}

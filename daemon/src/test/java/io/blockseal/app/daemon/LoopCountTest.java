package io.blockseal.app.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoopCountTest {
    private static final long MIB = 1 << 20;

    @ParameterizedTest
    @CsvSource({
        "0, 0, 4, 4",
        "0, 40, 4, 1",
        "0, 79, 4, 1",
        "0, 80, 4, 2",
        "0, 160, 4, 4",
        "0, 4000, 4, 4",
        "3, 120, 8, 3"
    })
    void asManyAsTheBuffersHaveRoomForUnlessTheirNumberIsGiven(int wanted, long bufferMib, int most, int expected) {
        assertEquals(expected, Daemon.loopCount(wanted, bufferMib * MIB, most));
    }
}

package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.store.StoreException;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RangeGateTest {
    private static final Patience NONE = quiet -> quiet.getCount() == 0;

    private final DekTable table = new DekTable(4, 1);
    private final RangeGate gate = new RangeGate("vol", table);
    private final List<String> thawed = new ArrayList<>();

    private List<Long> held() {
        List<Long> held = new ArrayList<>();
        for (long range = 0; range < 4; range++) {
            if (RangeWord.isHeld(table.word(range))) {
                held.add(range);
            }
        }
        return held;
    }

    private LoopGate loop(boolean quiet) {
        return new LoopGate() {
            @Override
            public void whenQuiet(Runnable task) {
                if (quiet) {
                    task.run();
                }
            }

            @Override
            public void thaw(long first, long count) {
                thawed.add(first + "+" + count);
            }
        };
    }

    @Test
    void holdsUntilItIsThawedAndThenTellsTheLoops() throws Exception {
        gate.attach(loop(true));
        gate.hold(1, 2, NONE);
        assertEquals(List.of(1L, 2L), held());
        gate.thaw(1, 2);
        assertEquals(List.of(), held());
        assertEquals(List.of("1+2"), thawed);
    }

    @Test
    void holdsNothingIfALoopDoesNotBecomeQuiet() {
        gate.attach(loop(true));
        gate.attach(loop(false));
        assertThrows(StoreException.class, () -> gate.hold(1, 2, NONE));
        assertEquals(List.of(), held());
    }

    @Test
    void whatIsInDoubtStaysHeldThoughAllIsThawed() throws Exception {
        gate.hold(0, 4, NONE);
        gate.leaveHeld(2, 1);
        gate.thaw(0, 4);
        assertEquals(List.of(2L), held());
        gate.hold(0, 4, NONE);
        gate.thaw(0, 4);
        assertEquals(List.of(2L), held());
    }
}

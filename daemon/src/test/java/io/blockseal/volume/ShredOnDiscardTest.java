package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.device.DeviceStack;
import io.blockseal.device.TurnLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferBudget;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When the DEK of a range is destroyed behind its guests' backs, and when it must not be. */
class ShredOnDiscardTest {
    private static final int RANGE = (int) VolumeFixture.RANGE;

    private final VolumeFixture fixture = new VolumeFixture();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();
    private final TurnLoop loop = new TurnLoop(0, new BufferBudget(16L << 20));
    private MemoryStore store;
    private Volume volume;
    private ShredOnDiscard shredding;
    private BlockChannel guest;

    @BeforeEach
    void open() throws Exception {
        store = fixture.create(4);
        volume = fixture.open(store);
        shredding = new ShredOnDiscard(volume, Runnable::run, (delayMillis, task) -> later.add(task), quiet -> {
            turnAll();
            return quiet.getCount() == 0;
        });
        guest = DeviceStack.build(volume).top().openChannel(loop);
        assertEquals(Errno.OK, run(Command.WRITE, 0, RANGE, 4096));
        assertEquals(Errno.OK, run(Command.WRITE, 0, RANGE + 32768, 8192));
    }

    @AfterEach
    void close() {
        guest.close();
        shredding.close();
        volume.close();
    }

    private void turnAll() {
        boolean more = true;
        while (more) {
            more = loop.takeTurn();
        }
    }

    private void timePasses() {
        for (int due = later.size(); due > 0; due--) {
            later.remove().run();
        }
    }

    private Errno run(Command command, int flags, long offset, long length) {
        BlockRequest request = loop.requests().lease().set(command, flags, offset, length);
        ArenaBuf buf = command == Command.WRITE ? loop.buffers().lease((int) length) : null;
        if (buf != null) {
            buf.memory().bytes().put(buf.dataOffset(), (byte) 7);
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        AtomicReference<Errno> answer = new AtomicReference<>();
        request.push(
                (done, token) -> {
                    answer.set(done.errno());
                    loop.requests().release(done);
                },
                0);
        guest.submit(request);
        guest.kick();
        turnAll();
        if (buf != null) {
            buf.release();
        }
        return answer.get();
    }

    private int state() {
        return RangeWord.state(volume.word(1));
    }

    @Test
    void aWholeRangeIsShreddedAWhileAfterItsTrimAndWrittenToAgain() {
        run(Command.TRIM, 0, RANGE, RANGE);
        assertEquals(RangeWord.ACTIVE, state(), "no TRIM waits for it");
        timePasses();
        assertEquals(RangeWord.SHREDDED, state());
        assertEquals(1, volume.keyChanges().shreddedByDiscards());
        assertEquals(0, volume.keyChanges().shreddedByOperators());
        assertEquals(Errno.OK, run(Command.WRITE, 0, RANGE, 4096));
        assertEquals(RangeWord.ACTIVE, state());
        assertEquals(2, RangeWord.generation(volume.word(1)));
    }

    @Test
    void soIsOneThatIsDiscardedPieceByPiece() {
        run(Command.WRITE_ZEROES, 0, RANGE, 4096);
        timePasses();
        assertEquals(RangeWord.ACTIVE, state(), "something is left in it");
        run(Command.TRIM, 0, RANGE + 32768, 8192);
        timePasses();
        assertEquals(RangeWord.SHREDDED, state());
    }

    @Test
    void oneThatIsWrittenToAfterItsTrimKeepsItsDek() {
        run(Command.TRIM, 0, RANGE, RANGE);
        run(Command.WRITE, 0, RANGE + 4096, 4096);
        long before = volume.word(1);
        timePasses();
        assertEquals(before, volume.word(1));
    }

    @Test
    void zerosThatMustLeaveNoHolesAreData() {
        run(Command.TRIM, 0, RANGE, RANGE);
        run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, RANGE, RANGE);
        timePasses();
        assertEquals(RangeWord.ACTIVE, state());
    }

    @Test
    void aStoreThatFailsIsTriedAgainLater() {
        run(Command.TRIM, 0, RANGE, RANGE);
        store.spoil(volume.shape().physicalOffset(RANGE, RangeWord.slot(volume.word(1))));
        timePasses();
        assertEquals(RangeWord.ACTIVE, state());
        assertEquals(1, later.size(), "it is tried again");
        run(Command.WRITE, 0, RANGE, 4096);
        run(Command.TRIM, 0, RANGE, 4096);
        timePasses();
        assertEquals(RangeWord.SHREDDED, state());
    }

    @Test
    void nothingHappensOnceItIsClosed() {
        run(Command.TRIM, 0, RANGE, RANGE);
        shredding.close();
        timePasses();
        run(Command.TRIM, 0, RANGE, RANGE);
        assertTrue(later.isEmpty());
        assertEquals(RangeWord.ACTIVE, state());
    }

    @Test
    void anOperatorIsRefusedWhereItIsSwitchedOff() {
        volume.refuseShredding();
        VolumeRefusedException refused =
                assertThrows(VolumeRefusedException.class, () -> VolumeShredder.shred(volume, 1, 1));
        assertTrue(refused.getMessage().contains("shredding switched off"), refused.getMessage());
        assertEquals(RangeWord.ACTIVE, state());
    }
}

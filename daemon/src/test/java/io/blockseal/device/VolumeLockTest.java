package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeLock.Policy;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeShredder;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** A locked volume has no key in memory, loses nothing, and goes on where it was. */
class VolumeLockTest {
    private static final int UNIT = 4096;

    /** Every slot of the arena that is not free. */
    private final Set<Integer> slots = new HashSet<>();

    private final CryptoEngine engine = watched(new JavaCryptoEngine());
    private final VolumeFixture fixture = new VolumeFixture(engine, new JvmMemorySource());
    private final TurnLoop loop = new TurnLoop(0, new BufferBudget(8 << 20));
    private final Patience turning = quiet -> {
        while (quiet.getCount() > 0 && loop.takeTurn()) {
            // Each turn is one task.
        }
        return quiet.getCount() == 0;
    };

    private Volume volume;
    private VolumeLock lock;
    private BlockDevice device;
    private BlockChannel guest;

    private CryptoEngine watched(CryptoEngine real) {
        KeyArena arena = (KeyArena) Proxy.newProxyInstance(
                KeyArena.class.getClassLoader(), new Class<?>[] {KeyArena.class}, (proxy, method, arguments) -> {
                    Object result = method.invoke(real.keys(), arguments);
                    switch (method.getName()) {
                        case "allocate" -> slots.add((Integer) result);
                        case "free" -> slots.remove((Integer) arguments[0]);
                        default -> {
                            // Nothing comes and nothing goes.
                        }
                    }
                    return result;
                });
        return (CryptoEngine) Proxy.newProxyInstance(
                CryptoEngine.class.getClassLoader(),
                new Class<?>[] {CryptoEngine.class},
                (proxy, method, arguments) -> method.getName().equals("keys") ? arena : method.invoke(real, arguments));
    }

    @BeforeEach
    void open() throws Exception {
        MemoryStore store = fixture.create(62);
        volume = fixture.open(store);
        lock = volume.lock();
        device = DeviceStack.build(volume).top();
        guest = device.openChannel(loop);
        assertEquals(Errno.OK, outcome(write(0, 7)));
        assertEquals(Errno.OK, outcome(write(40L * VolumeFixture.RANGE, 9)));
    }

    @AfterEach
    void close() {
        guest.close();
        volume.close();
    }

    private static final class Sent {
        private final ArenaBuf buf;
        private Errno errno;

        private Sent(ArenaBuf buf) {
            this.buf = buf;
        }
    }

    private Sent send(Command command, long offset, int fill) {
        return send(guest, command, offset, UNIT, fill);
    }

    private Sent send(BlockChannel from, Command command, long offset, int length, int fill) {
        ArenaBuf buf = loop.buffers().lease(UNIT);
        for (int i = 0; i < UNIT; i++) {
            buf.memory().bytes().put(buf.dataOffset() + i, (byte) fill);
        }
        Sent sent = new Sent(buf);
        BlockRequest request = loop.requests().lease().set(command, 0, offset, length);
        if (command == Command.READ || command == Command.WRITE) {
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        request.push(
                (done, token) -> {
                    assertNull(sent.errno, "completed once");
                    sent.errno = done.errno();
                    loop.requests().release(done);
                },
                0);
        from.submit(request);
        from.kick();
        return sent;
    }

    private Sent write(long offset, int fill) {
        return send(Command.WRITE, offset, fill);
    }

    private void turnUntilIdle() {
        while (loop.takeTurn()) {
            // Each turn is one task.
        }
    }

    private Errno outcome(Sent sent) {
        turnUntilIdle();
        sent.buf.release();
        return sent.errno;
    }

    private int read(long offset) {
        Sent sent = send(Command.READ, offset, 0x55);
        turnUntilIdle();
        assertEquals(Errno.OK, sent.errno);
        byte first = sent.buf.memory().bytes().get(sent.buf.dataOffset());
        for (int i = 0; i < UNIT; i++) {
            assertEquals(first, sent.buf.memory().bytes().get(sent.buf.dataOffset() + i));
        }
        sent.buf.release();
        return first;
    }

    private boolean holdsNoKey() {
        return slots.stream().allMatch(slot -> engine.keys().length(slot) == 0);
    }

    @Test
    void hasNoKeyInMemoryAndLetsRequestsWait() throws Exception {
        assertFalse(holdsNoKey());
        lock.lock(Policy.FREEZE, turning);
        assertEquals(Volume.State.LOCKED, volume.state());
        assertTrue(holdsNoKey(), "nothing is left of DEKs and of what wraps them");
        Sent reading = send(Command.READ, 0, 0x55);
        Sent first = write(20L * VolumeFixture.RANGE, 3);
        Sent again = write(UNIT, 4);
        Sent trim = send(Command.TRIM, 40L * VolumeFixture.RANGE, 0);
        turnUntilIdle();
        assertNull(reading.errno);
        assertNull(first.errno);
        assertNull(again.errno);
        assertNull(trim.errno);
        assertTrue(holdsNoKey());
        lock.unlock(List.of(fixture.key(1)));
        assertEquals(Errno.OK, outcome(first));
        assertEquals(Errno.OK, outcome(again));
        assertEquals(Errno.OK, outcome(trim));
        assertEquals(Errno.OK, outcome(reading));
        assertEquals(7, read(0));
        assertEquals(4, read(UNIT));
        assertEquals(3, read(20L * VolumeFixture.RANGE));
        assertEquals(0, read(40L * VolumeFixture.RANGE));
        assertEquals(Volume.State.OPEN, volume.state());
    }

    @Test
    void failsRequestsIfThatIsWanted() throws Exception {
        lock.lock(Policy.FREEZE, turning);
        Sent waiting = send(Command.READ, 0, 0);
        turnUntilIdle();
        assertNull(waiting.errno);
        lock.lock(Policy.FAIL, turning);
        assertEquals(Errno.EIO, outcome(waiting), "who waited already is told as well");
        assertEquals(Errno.EIO, outcome(write(0, 1)));
        assertEquals(Errno.EIO, outcome(write(30L * VolumeFixture.RANGE, 1)));
        assertEquals(Errno.EIO, outcome(send(Command.WRITE_ZEROES, 0, 0)));
        lock.unlock(List.of(fixture.key(1)));
        assertEquals(7, read(0));
    }

    @Test
    void staysLockedUntilARightKeyComes() throws Exception {
        lock.lock(Policy.FREEZE, turning);
        assertThrows(WrongKeyException.class, () -> lock.unlock(List.of(fixture.key(2))));
        assertEquals(Volume.State.LOCKED, volume.state());
        assertTrue(holdsNoKeyOfTheVolume());
        lock.unlock(List.of(fixture.key(1)));
        assertEquals(9, read(40L * VolumeFixture.RANGE));
        lock.unlock(List.of(fixture.key(2)));
        assertEquals(Volume.State.OPEN, volume.state(), "it was open already");
    }

    /** The test's own key source keeps its KEK. */
    private boolean holdsNoKeyOfTheVolume() {
        return slots.stream().filter(slot -> engine.keys().length(slot) != 0).count() <= 1;
    }

    @Test
    void refusesChangesOfTheMetadata() throws Exception {
        lock.lock(Policy.FREEZE, turning);
        VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                .add(List.of(fixture.key(1)), fixture.key(2), "second"));
        assertEquals(VolumeRefusedException.Reason.NOT_WRITABLE, refused.reason());
        assertTrue(refused.getMessage().contains("is locked"), refused.getMessage());
        lock.unlock(List.of(fixture.key(1)));
        assertEquals(1, VolumeShredder.shred(volume, 0, 1, turning));
        assertEquals(0, read(0));
    }

    @Test
    void neverWritesForWhoIsGone() throws Exception {
        BlockChannel another = device.openChannel(loop);
        lock.lock(Policy.FREEZE, turning);
        Sent waiting = write(0, 1);
        turnUntilIdle();
        assertNull(waiting.errno);
        another.abandon();
        turnUntilIdle();
        assertNull(waiting.errno, "its client is still there");
        guest.abandon();
        assertEquals(Errno.ESHUTDOWN, outcome(waiting));
        lock.unlock(List.of(fixture.key(1)));
        guest.close();
        guest = another;
        assertEquals(7, read(0));
    }

    /** Who is being sent away does not wait for a key, whenever that is taken away. */
    @Test
    void keepsNobodyWaitingWhoIsBeingSentAway() throws Exception {
        guest.abandon();
        assertEquals(Errno.OK, outcome(write(UNIT, 2)), "as long as there is the key, all goes on");
        lock.lock(Policy.FREEZE, turning);
        assertEquals(Errno.ESHUTDOWN, outcome(write(0, 1)));
        lock.unlock(List.of(fixture.key(1)));
        assertEquals(7, read(0));
        assertEquals(2, read(UNIT));
    }

    @Test
    void saysThatItIsFrozenAndWhenItIsNoMore() throws Exception {
        assertFalse(guest.isFrozen());
        lock.lock(Policy.FREEZE, turning);
        assertTrue(guest.isFrozen());
        List<String> calls = new ArrayList<>();
        guest.whenThawed(() -> calls.add(guest.isFrozen() ? "frozen" : "thawed"));
        lock.lock(Policy.FAIL, turning);
        turnUntilIdle();
        assertEquals(List.of("thawed"), calls, "requests may come, to be refused");
        lock.lock(Policy.FREEZE, turning);
        assertTrue(guest.isFrozen());
        guest.whenThawed(() -> calls.add(guest.isFrozen() ? "frozen" : "thawed"));
        lock.unlock(List.of(fixture.key(1)));
        turnUntilIdle();
        assertEquals(List.of("thawed", "thawed"), calls);
    }

    @Test
    void isNotFrozenWhenLockingFailed() throws Exception {
        assertThrows(StoreException.class, () -> lock.lock(Policy.FREEZE, quiet -> false));
        turnUntilIdle();
        assertFalse(guest.isFrozen());
        assertEquals(7, read(0));
    }

    /** A write of part of a unit that waits for the key keeps those who read the unit waiting; it must not do so for ever. */
    @Nested
    class BehindAPartOfAUnitThatIsFrozen {
        private BlockChannel another;
        private Sent part;
        private Sent whole;
        private Sent some;

        @BeforeEach
        void haveReadersWait() throws Exception {
            another = device.openChannel(loop);
            lock.lock(Policy.FREEZE, turning);
            part = send(guest, Command.WRITE, 512, 512, 3);
            whole = send(another, Command.READ, 0, UNIT, 0x55);
            some = send(another, Command.READ, 1024, 100, 0x55);
            turnUntilIdle();
            assertNull(part.errno);
            assertNull(whole.errno);
            assertNull(some.errno);
        }

        @AfterEach
        void leaveNothingBehind() {
            another.close();
            assertTrue(((UnitAligner) device).locks().isIdle(), "nothing is held or queued");
            assertEquals(0, loop.requests().leasedCount());
            assertEquals(0, loop.buffers().leasedCount());
        }

        @Test
        void readersGoOnWithTheKey() throws Exception {
            lock.unlock(List.of(fixture.key(1)));
            assertEquals(Errno.OK, outcome(part));
            assertEquals(Errno.OK, outcome(whole));
            assertEquals(Errno.OK, outcome(some));
        }

        @Test
        void readersWaitOnWhenTheWriterIsGone() throws Exception {
            guest.abandon();
            assertEquals(Errno.ESHUTDOWN, outcome(part));
            assertNull(whole.errno, "their client is still there");
            lock.unlock(List.of(fixture.key(1)));
            assertEquals(Errno.OK, outcome(whole));
            assertEquals(Errno.OK, outcome(some));
        }

        /** Else their connections stay for as long as the key does not come. */
        @Test
        void whoIsGoneDoesNotWaitForAnotherOnesWriter() throws Exception {
            Sent neighbour = send(another, Command.WRITE, 2048, 512, 4);
            Sent trim = send(another, Command.TRIM, 0, (int) VolumeFixture.RANGE, 0);
            turnUntilIdle();
            assertNull(neighbour.errno);
            another.abandon();
            Sent late = send(another, Command.READ, 1024, 100, 0x55);
            Sent lateWrite = send(another, Command.WRITE, 2048, 512, 4);
            for (Sent gone : List.of(whole, some, neighbour, trim, late, lateWrite)) {
                assertEquals(Errno.ESHUTDOWN, outcome(gone));
            }
            assertNull(part.errno, "its client is still there");
            lock.unlock(List.of(fixture.key(1)));
            assertEquals(Errno.OK, outcome(part));
        }

        @Test
        void readersWhoAreGoneEnd() throws Exception {
            another.abandon();
            guest.abandon();
            assertEquals(Errno.ESHUTDOWN, outcome(part));
            assertEquals(Errno.ESHUTDOWN, outcome(whole));
            assertEquals(Errno.ESHUTDOWN, outcome(some));
            lock.unlock(List.of(fixture.key(1)));
        }

        @Test
        void allAreToldThatTheVolumeCloses() {
            volume.endWaiting();
            assertEquals(Errno.ESHUTDOWN, outcome(part));
            assertEquals(Errno.ESHUTDOWN, outcome(whole));
            assertEquals(Errno.ESHUTDOWN, outcome(some));
        }
    }

    @Test
    void tellsThoseWhoWaitThatItCloses() throws Exception {
        lock.lock(Policy.FREEZE, turning);
        Sent waiting = write(0, 1);
        turnUntilIdle();
        volume.endWaiting();
        assertEquals(Errno.ESHUTDOWN, outcome(waiting));
        assertEquals(Errno.ESHUTDOWN, outcome(write(0, 1)));
    }
}

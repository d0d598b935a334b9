package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.job.JobControl;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferBudget;
import io.blockseal.rotation.Rotations;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.header.RangeInfo;
import io.blockseal.volume.header.RangeReport;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a policy on bytes under a key goes by: everything that was enciphered under a DEK counts, and is not forgotten. */
class EncipheredCountTest {
    private static final int UNIT = 4096;
    private static final long RANGE = VolumeFixture.RANGE;

    private final VolumeFixture fixture = new VolumeFixture();
    private final TurnLoop loop = new TurnLoop(0, new BufferBudget(8 << 20));
    private final Patience turning = quiet -> {
        turnUntilIdle();
        return quiet.getCount() == 0;
    };

    private MemoryStore store;
    private Volume volume;
    private BlockChannel guest;

    @BeforeEach
    void open() throws Exception {
        store = fixture.create(62);
        reopen();
    }

    private void reopen() throws Exception {
        volume = fixture.open(store);
        guest = DeviceStack.build(volume).top().openChannel(loop);
    }

    @AfterEach
    void close() {
        guest.close();
        volume.close();
    }

    private void turnUntilIdle() {
        while (loop.takeTurn()) {
            // Each turn is one task.
        }
    }

    private void run(Command command, int flags, long offset, long length) {
        ArenaBuf buf = loop.buffers().lease((int) length);
        BlockRequest request = loop.requests().lease().set(command, flags, offset, length);
        if (command == Command.READ || command == Command.WRITE) {
            buf.memory().bytes().put(buf.dataOffset(), new byte[(int) length]);
            buf.memory().bytes().put(buf.dataOffset(), (byte) 1);
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        List<Errno> ends = new ArrayList<>();
        request.push(
                (done, token) -> {
                    ends.add(done.errno());
                    loop.requests().release(done);
                },
                0);
        guest.submit(request);
        guest.kick();
        turnUntilIdle();
        assertEquals(List.of(Errno.OK), ends);
        buf.release();
    }

    private void write(long offset, long length) {
        run(Command.WRITE, 0, offset, length);
    }

    /** What the metadata on the disk says, as {@code info --ranges} reads it. */
    private RangeInfo onDisk(int range) throws Exception {
        List<RangeInfo> ranges = new ArrayList<>();
        RangeReport.of(HeaderSnapshot.take(VolumeStores.inBand(store), 1, CheckProgress.SILENT))
                .forEach(ranges::add);
        return ranges.get(range);
    }

    @Test
    void hasWholeUnitsOfWhateverEnciphers() throws Exception {
        write(0, 2 * UNIT);
        assertEquals(2 * UNIT, volume.encipheredBytes(0));
        write(UNIT + 100, 10);
        assertEquals(3 * UNIT, volume.encipheredBytes(0), "a unit is read, changed and enciphered as a whole");
        run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 4 * UNIT, 4 * UNIT);
        assertEquals(7 * UNIT, volume.encipheredBytes(0), "the ciphertext of zeros");
        run(Command.WRITE_ZEROES, 0, 0, UNIT);
        run(Command.TRIM, 0, UNIT, UNIT);
        run(Command.READ, 0, 0, 8 * UNIT);
        assertEquals(7 * UNIT, volume.encipheredBytes(0), "nothing is enciphered for these");
        write(RANGE - UNIT, 2 * UNIT);
        assertEquals(8 * UNIT, volume.encipheredBytes(0), "on this side of the border");
        assertEquals(UNIT, volume.encipheredBytes(1), "and on that");
        assertEquals(0, volume.encipheredBytes(40));
    }

    @Test
    void isThereAfterTheVolumeWasClosed() throws Exception {
        write(0, UNIT);
        write(40 * RANGE, 3 * UNIT);
        close();
        assertEquals(UNIT, onDisk(0).encryptedBytes());
        assertEquals(3 * UNIT, onDisk(40).encryptedBytes());
        reopen();
        assertEquals(UNIT, volume.encipheredBytes(0));
        write(0, UNIT);
        assertEquals(2 * UNIT, volume.encipheredBytes(0));
        assertEquals(3 * UNIT, volume.encipheredBytes(40));
    }

    @Test
    void costsNoCommitAtTheEndOfAVolumeThatWasOnlyRead() throws Exception {
        write(0, UNIT);
        close();
        reopen();
        long before = volume.commitSeq();
        run(Command.READ, 0, 0, UNIT);
        close();
        assertEquals(before, volume.commitSeq());
        reopen();
    }

    @Test
    void doesNotBringAVolumeBackThatWasErased() throws Exception {
        write(0, UNIT);
        store.zero(0, store.sizeBytes());
        close();
        byte[] left = new byte[(int) store.sizeBytes()];
        store.read(0, ByteBuffer.wrap(left));
        assertArrayEquals(new byte[left.length], left);
        store = fixture.create(62);
        reopen();
    }

    @Test
    void isWrittenDownBeforeAVolumeIsLocked() throws Exception {
        write(0, UNIT);
        volume.lock().lock(VolumeLock.Policy.FREEZE, turning);
        assertEquals(UNIT, onDisk(0).encryptedBytes(), "somebody may pull the plug of a locked volume");
        long before = volume.commitSeq();
        volume.lock().lock(VolumeLock.Policy.FAIL, turning);
        assertEquals(before, volume.commitSeq());
        volume.lock().unlock(List.of(fixture.key(1)));
        write(0, UNIT);
        assertEquals(2 * UNIT, volume.encipheredBytes(0));
    }

    @Test
    void goesAlongWithACommitOfTheSamePage() throws Exception {
        write(0, UNIT);
        VolumeShredder.shred(volume, 7, 1, turning);
        assertEquals(UNIT, onDisk(0).encryptedBytes());
        assertEquals(0, onDisk(7).encryptedBytes());
    }

    @Test
    void isWrittenDownEachTimeItHasGrownByAShare() throws Exception {
        long share = 16 << 20;
        volume.noteEncipheredEvery(share + 1);
        write(2 * RANGE, UNIT);
        volume.enciphered(0, share - UNIT);
        long before = volume.commitSeq();
        assertEquals(0, onDisk(0).encryptedBytes(), "no commit for each write");
        write(0, UNIT);
        assertEquals(before + 1, volume.commitSeq());
        assertEquals(share, onDisk(0).encryptedBytes());
        assertEquals(UNIT, onDisk(2).encryptedBytes(), "its page is the same");
        for (long i = 0; i < share / RANGE; i++) {
            write(0, RANGE);
        }
        assertEquals(before + 2, volume.commitSeq());
        assertEquals(2 * share, onDisk(0).encryptedBytes());
    }

    @Test
    void beginsAgainWithAnotherDek() throws Exception {
        write(0, UNIT);
        write(4 * UNIT, 2 * UNIT);
        write(4 * UNIT, 2 * UNIT);
        assertTrue(Rotations.rotate(volume, 0, turning));
        assertEquals(3 * UNIT, volume.encipheredBytes(0), "what was copied, without what was never written");
        assertEquals(3 * UNIT, onDisk(0).encryptedBytes());
        write(0, UNIT);
        assertEquals(4 * UNIT, volume.encipheredBytes(0));
        VolumeShredder.shred(volume, 0, 1, turning);
        assertEquals(0, volume.encipheredBytes(0));
        write(0, UNIT);
        assertEquals(UNIT, volume.encipheredBytes(0));
        assertEquals(3, onDisk(0).generation());
    }

    @Test
    void staysAsItIsWhileTheVolumeKeyIsRotated() throws Exception {
        write(0, UNIT);
        volume.volumeKeyRotation().begin(List.of(fixture.key(1)), Set.of());
        write(0, UNIT);
        volume.volumeKeyRotation().goOn(JobControl.ALONE);
        assertEquals(2 * UNIT, volume.encipheredBytes(0));
        assertEquals(2 * UNIT, onDisk(0).encryptedBytes(), "its page was written anyway");
    }
}

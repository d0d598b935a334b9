package io.blockseal.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.ChannelDriver;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.ThreadLoop;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store promises, whatever lies beneath it. */
public abstract class BlockStoreContract {
    public static final int SIZE_BYTES = 8 << 20;

    private static final int UNIT = 4096;

    private BlockStore store;
    private ThreadLoop loop;
    private ChannelDriver driver;

    /** A writable store of {@link #SIZE_BYTES} bytes that reads as zeros. */
    protected abstract BlockStore open() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = open();
        loop = new ThreadLoop(0);
        driver = new ChannelDriver(loop, store);
    }

    @AfterEach
    void closeStore() throws Exception {
        driver.close();
        assertEquals(0, loop.requests().leasedCount(), "requests still out");
        assertEquals(0, loop.buffers().leasedCount(), "buffers still out");
        loop.close();
        store.close();
    }

    private static byte[] pattern(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void aFreshStoreReadsZeros() throws Exception {
        byte[] got = pattern(1, 64 << 10);
        assertEquals(Errno.OK, driver.read(SIZE_BYTES - got.length, got));
        assertArrayEquals(new byte[got.length], got);
    }

    @Test
    void whatWasWrittenIsReadThroughBothDoors() throws Exception {
        byte[] data = pattern(2, 256 << 10);
        assertEquals(Errno.OK, driver.write(1 << 20, data, 0));
        byte[] got = new byte[data.length];
        assertEquals(Errno.OK, driver.read(1 << 20, got));
        assertArrayEquals(data, got);

        ByteBuffer synchronously = ByteBuffer.allocate(data.length);
        store.read(1 << 20, synchronously);
        assertArrayEquals(data, synchronously.array());
    }

    @Test
    void metadataOfAnyLengthAtAnyOffsetHarmsNoNeighbour() throws Exception {
        byte[] before = pattern(3, 4 * UNIT);
        store.write(0, ByteBuffer.wrap(before));
        byte[] patch = pattern(4, 1000);
        store.write(UNIT - 300, ByteBuffer.wrap(patch));
        System.arraycopy(patch, 0, before, UNIT - 300, patch.length);
        ByteBuffer got = ByteBuffer.allocateDirect(before.length);
        store.read(0, got);
        byte[] bytes = new byte[before.length];
        got.flip().get(bytes);
        assertArrayEquals(before, bytes);
    }

    @Test
    void aDurableWriteAndAFlushSucceed() throws Exception {
        assertEquals(Errno.OK, driver.write(0, pattern(5, UNIT), BlockRequest.FUA));
        assertEquals(Errno.OK, driver.run(Command.FLUSH, 0, 0, 0));
        store.flush();
    }

    @Test
    void trimmedAndZeroedStretchesReadZerosAndNothingElseChanges() throws Exception {
        for (Command command : new Command[] {Command.TRIM, Command.WRITE_ZEROES}) {
            byte[] data = pattern(6, 64 << 10);
            assertEquals(Errno.OK, driver.write(0, data, 0));
            assertEquals(Errno.OK, driver.run(command, BlockRequest.FUA, 2 * UNIT, 5L * UNIT));
            java.util.Arrays.fill(data, 2 * UNIT, 7 * UNIT, (byte) 0);
            byte[] got = new byte[data.length];
            assertEquals(Errno.OK, driver.read(0, got));
            assertArrayEquals(data, got, command.toString());
        }
    }

    @Test
    void aFastZeroIsDoneOrRefusedWithNothingChanged() throws Exception {
        byte[] data = pattern(7, UNIT);
        assertEquals(Errno.OK, driver.write(0, data, 0));
        // Of a device it is known after one that did not have to be fast.
        assertEquals(Errno.OK, driver.run(Command.WRITE_ZEROES, 0, 1 << 20, UNIT));
        Errno errno = driver.run(Command.WRITE_ZEROES, BlockRequest.FAST_ZERO, 0, UNIT);
        byte[] got = new byte[UNIT];
        assertEquals(Errno.OK, driver.read(0, got));
        assertArrayEquals(errno == Errno.OK ? new byte[UNIT] : data, got);
        assertEquals(store.geometry().canFastZero() ? Errno.OK : Errno.ENOTSUP, errno);
    }

    @Test
    void extentsCoverTheWholeStretchAndNeverCallDataAHole() throws Exception {
        assertEquals(Errno.OK, driver.write(1 << 20, pattern(8, 128 << 10), 0));
        ExtentList extents = new ExtentList(64);
        assertEquals(Errno.OK, driver.status(0, 0, SIZE_BYTES, extents));
        assertEquals(SIZE_BYTES, extents.totalBytes());
        long position = 0;
        for (int i = 0; i < extents.count(); i++) {
            long end = position + extents.lengthBytes(i);
            boolean overlaps = position < (1 << 20) + (128 << 10) && end > (1 << 20);
            if (extents.state(i) != 0) {
                assertTrue(!overlaps, "data was called a hole");
            }
            position = end;
        }

        ExtentList one = new ExtentList(64);
        assertEquals(Errno.OK, driver.status(BlockRequest.REQ_ONE, 0, SIZE_BYTES, one));
        assertEquals(1, one.count());
        assertTrue(one.totalBytes() > 0 && one.totalBytes() <= SIZE_BYTES);
    }

    @Test
    void readingPastTheEndIsAnErrorNotZeros() {
        assertThrows(StoreException.class, () -> store.read(SIZE_BYTES, ByteBuffer.allocate(UNIT)));
    }

    @Test
    void synchronousZeroingReadsZeros() throws Exception {
        store.write(0, ByteBuffer.wrap(pattern(9, 4 * UNIT)));
        store.zero(UNIT, 2L * UNIT);
        ByteBuffer got = ByteBuffer.allocate(2 * UNIT);
        store.read(UNIT, got);
        assertArrayEquals(new byte[2 * UNIT], got.array());
    }
}

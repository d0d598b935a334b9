package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a ring brings back is what the file has; what it cannot do it says, and memory under way is never forgotten. */
class IoRingTest {
    private static final int ENTRIES = 8;
    private static final int BLOCK = 4096;

    @TempDir
    Path directory;

    private final Shim shim = ShimFixture.shim();
    private int fd;
    private IoRing ring;

    @BeforeEach
    void open() throws IOException {
        Path file = Files.createFile(directory.resolve("disk"));
        fd = shim.open(ShimLibrary.cString(file.toString()).address(), Shim.OPEN_WRITE);
        assertTrue(fd >= 0, "open: " + fd);
        long probe = shim.ringOpen(fd, ENTRIES, 0);
        assumeTrue(probe > 0, () -> "no io_uring here: " + ShimError.describe(probe));
        assertEquals(0, shim.ringClose(probe));
        ring = IoRing.open(shim, fd, ENTRIES);
    }

    @AfterEach
    void close() {
        if (ring != null) {
            ring.close();
        }
        shim.close(fd);
    }

    /** Results by tag; the tags are 0 to {@code count - 1}. */
    private int[] results(int count) {
        assertEquals(0, ring.submit());
        int[] results = new int[count];
        boolean[] seen = new boolean[count];
        int left = count;
        while (left > 0) {
            int got = ring.reap();
            assertTrue(got >= 0 && got <= left, () -> "reaped " + got);
            for (int i = 0; i < got; i++) {
                int tag = (int) ring.tag(i);
                assertFalse(seen[tag], () -> tag + " came back twice");
                seen[tag] = true;
                results[tag] = ring.result(i);
            }
            left -= got;
            Thread.onSpinWait();
        }
        return results;
    }

    @Test
    void readsBackWhatWasWritten() {
        byte[] bytes = new byte[ENTRIES * BLOCK];
        new Random(3).nextBytes(bytes);
        OffHeap memory = ShimFixture.offHeap(bytes);
        for (int i = 0; i < ENTRIES; i++) {
            long address = memory.address(i * BLOCK);
            long offset = (long) i * BLOCK;
            assertTrue(i == 0 ? ring.writeDurably(address, BLOCK, offset, i) : ring.write(address, BLOCK, offset, i));
        }
        assertFalse(ring.read(memory.address(), BLOCK, 0, 0), "a full ring takes no more");
        for (int result : results(ENTRIES)) {
            assertEquals(BLOCK, result);
        }
        memory.wipe();
        assertTrue(ring.read(memory.address(), bytes.length, 0, 0));
        assertEquals(bytes.length, results(1)[0]);
        assertArrayEquals(bytes, memory.get(0, bytes.length));
    }

    @Test
    void aReadOverTheEndIsShortAndOnePastItIsEmpty() {
        OffHeap memory = OffHeap.allocate(BLOCK);
        assertEquals(0, shim.ftruncate(fd, 1000));
        assertTrue(ring.read(memory.address(), BLOCK, 0, 0));
        assertTrue(ring.read(memory.address(), BLOCK, BLOCK, 1));
        assertArrayEquals(new int[] {1000, 0}, results(2));
    }

    @Test
    void cannotBeClosedOverRequests() {
        OffHeap memory = OffHeap.allocate(BLOCK);
        assertTrue(ring.write(memory.address(), BLOCK, 0, 0));
        assertThrows(IllegalStateException.class, ring::close);
        assertEquals(BLOCK, results(1)[0]);
    }

    /** The event that tells of completions may come late. */
    @Test
    void onceClosedItDoesNothing() {
        OffHeap memory = OffHeap.allocate(BLOCK);
        ring.close();
        assertFalse(ring.read(memory.address(), BLOCK, 0, 0));
        assertFalse(ring.write(memory.address(), BLOCK, 0, 0));
        assertFalse(ring.writeDurably(memory.address(), BLOCK, 0, 0));
        assertEquals(0, ring.submit());
        assertEquals(0, ring.reap());
        ring.close();
    }

    @Test
    void aFileThatIsNoneIsRefusedInWords() {
        IOException refused = assertThrows(IOException.class, () -> IoRing.open(shim, -1, ENTRIES));
        assertTrue(refused.getMessage().contains("system error 9"), refused.getMessage());
    }

    @Test
    void callsAllocateNothing() {
        OffHeap memory = OffHeap.allocate(BLOCK);
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5; attempt++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < 10_000; i++) {
                ring.write(memory.address(), BLOCK, 0, i);
                ring.submit();
                while (ring.reap() == 0) {
                    Thread.onSpinWait();
                }
                assertEquals(i, ring.tag(0));
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
        }
        assertTrue(least < 4_000, least + " bytes for 10,000 writes");
    }
}

package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ThreadLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.Memory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A storage that does not answer must not stop an event loop: it serves other clients and other volumes. */
@Timeout(60)
class StallGuardTest {
    private final AtomicLong time = new AtomicLong(Long.MAX_VALUE - 1000); // nanoTime may run over

    private final StallGuard guard = new StallGuard(4, time::get);

    @Test
    void aPoolCallThatIsOutForLongMakesLoopsKeepAway() {
        guard.poolCallBegins(2);
        guard.poolCallBegins(3);
        time.addAndGet(StallGuard.STALL_NANOS);
        assertFalse(guard.stalls(), "a slow flush is not a stall");
        time.addAndGet(2);
        assertTrue(guard.stalls());
        guard.poolCallEnds(2);
        assertTrue(guard.stalls(), "the other is still out");
        guard.poolCallEnds(3);
        assertFalse(guard.stalls(), "it answers again, and all is as before");
    }

    @Test
    void aWriteThatWaitedOnTheLoopIsTheLastForAWhile() {
        long start = guard.now();
        time.addAndGet(StallGuard.SLOW_NANOS);
        guard.loopCallEnded(start);
        assertFalse(guard.stalls());
        start = guard.now();
        time.addAndGet(StallGuard.SLOW_NANOS + 1);
        guard.loopCallEnded(start);
        assertTrue(guard.stalls());
        time.addAndGet(StallGuard.DISTRUST_NANOS - 1);
        assertTrue(guard.stalls());
        time.addAndGet(1);
        assertFalse(guard.stalls());
    }

    /** With a real file and a real pool; only its sync hangs, and time is told. */
    @Nested
    class OnALoop {
        @TempDir
        Path folder;

        private final CountDownLatch syncing = new CountDownLatch(1);
        private final CountDownLatch answer = new CountDownLatch(1);
        private final List<String> writers = Collections.synchronizedList(new ArrayList<>());

        @Test
        void writesGoToThePoolWhileAFlushHangsAndComeBackAfterwards() throws Exception {
            Path path = Files.write(folder.resolve("f"), new byte[1 << 20]);
            SystemFile file = new Hanging(JdkFile.open(path, io.blockseal.store.StoreOptions.BUFFERED));
            LanePool pool = new LanePool("f", time::get);
            Memory zeros = ThreadLoop.memory().map(4096);
            FileCall call = new FileCall(
                    file,
                    Zeroing.probe(file, file.facts(), true, zeros),
                    new Durability(file, "f"),
                    StoreTroubles.of("f"),
                    true);
            try (ThreadLoop loop = new ThreadLoop(0)) {
                BlockChannel channel = new FileChannelOfLoop(loop, call, pool, Lanes.CACHED, null);
                assertEquals(Errno.OK, send(loop, channel, Command.WRITE).get(30, TimeUnit.SECONDS));
                CompletableFuture<Errno> flush = send(loop, channel, Command.FLUSH);
                syncing.await();
                assertEquals(Errno.OK, send(loop, channel, Command.WRITE).get(30, TimeUnit.SECONDS));
                time.addAndGet(2 * StallGuard.STALL_NANOS);
                assertEquals(Errno.OK, send(loop, channel, Command.WRITE).get(30, TimeUnit.SECONDS));
                assertEquals(Errno.OK, send(loop, channel, Command.READ).get(30, TimeUnit.SECONDS));
                assertFalse(flush.isDone());
                answer.countDown();
                assertEquals(Errno.OK, flush.get(30, TimeUnit.SECONDS));
                while (pool.guard().stalls()) {
                    Thread.onSpinWait();
                }
                assertEquals(Errno.OK, send(loop, channel, Command.WRITE).get(30, TimeUnit.SECONDS));
            }
            String onTheLoop = writers.get(0);
            assertEquals(onTheLoop, writers.get(1), "a flush that has just begun changes nothing");
            assertNotEquals(onTheLoop, writers.get(2), "the loop would have waited");
            assertEquals(onTheLoop, writers.get(3));
            pool.drain(java.time.Duration.ofSeconds(30));
            file.close();
        }

        private CompletableFuture<Errno> send(ThreadLoop loop, BlockChannel channel, Command command) {
            CompletableFuture<Errno> done = new CompletableFuture<>();
            loop.execute(() -> {
                ArenaBuf buf = loop.buffers().lease(4096);
                BlockRequest request = loop.requests().lease();
                request.set(command, 0, 0, command == Command.FLUSH ? 0 : 4096).withMemory(buf.memory(), 0);
                request.push(
                        (ended, token) -> {
                            Errno errno = ended.errno();
                            loop.requests().release(ended);
                            buf.release();
                            done.complete(errno);
                        },
                        0);
                channel.submit(request);
            });
            return done;
        }

        private final class Hanging extends ForwardingFile {
            Hanging(SystemFile file) {
                super(file);
            }

            @Override
            public int write(Memory memory, int memoryOffset, int length, long offset) {
                writers.add(Thread.currentThread().getName());
                return super.write(memory, memoryOffset, length, offset);
            }

            @Override
            public int sync() {
                syncing.countDown();
                try {
                    answer.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                return super.sync();
            }
        }
    }

    @Test
    void networksAndOtherProcessesAreNotLocal() {
        assertTrue(Locality.ofFile(0xEF53, 0), "ext4");
        assertFalse(Locality.ofFile(0xEF53, -1), "ext4 on a device that nobody knows");
        for (long remote : new long[] {0x65735546L, 0x6969L, 0xFF534D42L, 0xFE534D42L, 0x01021997L, 0x00C36400L, 0}) {
            assertFalse(Locality.ofFile(remote, 0), Long.toHexString(remote));
        }
        assertTrue(Locality.ofDevicePath("/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/block/sda/sda1"));
        assertTrue(Locality.ofDevicePath("/sys/devices/virtual/block/dm-3"));
        assertFalse(Locality.ofDevicePath("/sys/devices/virtual/block/loop7"));
        assertFalse(Locality.ofDevicePath("/sys/devices/virtual/block/nbd0/nbd0p1"));
        assertFalse(Locality.ofDevice(-1), "a device that nobody knows");
    }
}

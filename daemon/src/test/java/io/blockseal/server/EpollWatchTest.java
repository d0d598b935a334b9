package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.IoLoop;
import io.blockseal.memory.JvmMemorySource;
import io.netty.channel.unix.FileDescriptor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever waits for a descriptor on an event loop is told each time, although nobody reads it, and never too late. */
@Timeout(60)
class EpollWatchTest {
    @Test
    void tellsOfEachEdgeUntilItIsClosed() throws Exception {
        Semaphore told = new Semaphore(0);
        try (IoLoops loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_MIN, new JvmMemorySource())) {
            FileDescriptor[] pipe = FileDescriptor.pipe();
            IoLoop loop = loops.all().get(0);
            CompletableFuture<IoLoop.Watch> watching = new CompletableFuture<>();
            loop.execute(() -> watching.complete(loop.watch(pipe[0].intValue(), told::release)));
            IoLoop.Watch watch = watching.get(30, TimeUnit.SECONDS);
            assertNotNull(watch);
            for (int i = 0; i < 3; i++) {
                write(pipe[1]);
                told.acquire();
            }
            CompletableFuture<Void> closed = new CompletableFuture<>();
            loop.execute(() -> {
                watch.close();
                watch.close();
                closed.complete(null);
            });
            closed.get(30, TimeUnit.SECONDS);
            write(pipe[1]);
            // Two rounds of the loop: it has looked at its descriptors in between.
            for (int i = 0; i < 2; i++) {
                CompletableFuture<Void> round = new CompletableFuture<>();
                loop.execute(() -> round.complete(null));
                round.get(30, TimeUnit.SECONDS);
            }
            assertEquals(0, told.availablePermits());
            pipe[0].close();
            pipe[1].close();
        }
    }

    /** Else the loop would end with all its clients, or forget which other sockets were ready. */
    @Test
    void aListenerThatBreaksIsToldAgainAndTheLoopGoesOn() throws Exception {
        Semaphore told = new Semaphore(0);
        try (IoLoops loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_MIN, new JvmMemorySource())) {
            FileDescriptor[] pipe = FileDescriptor.pipe();
            IoLoop loop = loops.all().get(0);
            CompletableFuture<IoLoop.Watch> watching = new CompletableFuture<>();
            loop.execute(() -> watching.complete(loop.watch(pipe[0].intValue(), () -> {
                told.release();
                if (told.availablePermits() == 1) {
                    throw new AssertionError("a defect");
                }
                throw new IllegalStateException("another defect");
            })));
            IoLoop.Watch watch = watching.get(30, TimeUnit.SECONDS);
            for (int i = 1; i <= 3; i++) {
                write(pipe[1]);
                // Kept, so that it breaks differently the next time.
                assertTrue(told.tryAcquire(i, 30, TimeUnit.SECONDS), "told the time number " + i);
                told.release(i);
            }
            CompletableFuture<Void> closed = new CompletableFuture<>();
            loop.execute(() -> {
                watch.close();
                closed.complete(null);
            });
            closed.get(30, TimeUnit.SECONDS);
            pipe[0].close();
            pipe[1].close();
        }
    }

    @Test
    void whatCannotBeWatchedIsRefusedAndTheLoopGoesOn() throws Exception {
        Path file = Files.createTempFile("watch", "");
        try (IoLoops loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_MIN, new JvmMemorySource())) {
            FileDescriptor regular = FileDescriptor.from(file.toFile());
            IoLoop loop = loops.all().get(0);
            for (int i = 0; i < 2; i++) {
                CompletableFuture<IllegalStateException> refused = new CompletableFuture<>();
                loop.execute(() -> refused.complete(
                        assertThrows(IllegalStateException.class, () -> loop.watch(regular.intValue(), () -> {}))));
                String message = refused.get(30, TimeUnit.SECONDS).getMessage();
                assertTrue(message.contains("descriptor " + regular.intValue()), message);
            }
            regular.close();
        } finally {
            Files.delete(file);
        }
        tellsOfEachEdgeUntilItIsClosed();
    }

    private static void write(FileDescriptor to) throws Exception {
        assertEquals(1, to.write(ByteBuffer.allocateDirect(1), 0, 1));
    }
}

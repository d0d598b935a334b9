package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.IoLoop;
import io.blockseal.memory.Memory;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.server.IoLoops;
import io.blockseal.shim.InterposedShim;
import io.blockseal.shim.IoRing;
import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.BlockStore;
import io.blockseal.store.BlockStoreContract;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With O_DIRECT many requests are on their way at once; each must get its own result, whatever the ring does with it. */
@Timeout(60)
class RingLaneTest {
    private static final StoreOptions DIRECT = new StoreOptions(false, true);
    private static final int SIZE_BYTES = BlockStoreContract.SIZE_BYTES;
    private static final int BLOCK = 4096;

    private static final int EIO = -5;
    private static final int EPERM = -1;

    private static Shim realShim() {
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.isPresent(), () -> "native shim absent: " + library.reason());
        return Objects.requireNonNull(library.shim());
    }

    private final InterposedShim shim = new InterposedShim(realShim());
    private final ShimMemorySource memory = new ShimMemorySource(realShim());
    private final FileStores stores = FileStores.withShim(shim.shim(), memory);
    private Path path;
    private FileStore store;

    /** Beside the build, on whatever disk that lies; a tmpfs would have no use for a ring. */
    @BeforeEach
    void openStore() throws Exception {
        Path folder = Files.createTempDirectory(Path.of("target"), "ring");
        folder.toFile().deleteOnExit();
        path = folder.resolve("f");
        path.toFile().deleteOnExit();
        try (BlockStore fresh = stores.create(path, StoreOptions.BUFFERED)) {
            fresh.grow(SIZE_BYTES);
        }
        int descriptor = realShim().open(ShimLibrary.cString(path.toString()).address(), 0);
        long probe = realShim().ringOpen(descriptor, 8, 0);
        if (probe > 0) {
            realShim().ringClose(probe);
        }
        realShim().close(descriptor);
        assumeTrue(probe > 0, () -> "no io_uring here: error " + probe);
        store = (FileStore) stores.open(path, DIRECT);
        assumeTrue(shim.calls("ringOpen") > 0, "the build does not lie on a local disk");
        assertEquals("ring", store.lane());
    }

    @AfterEach
    void closeStore() {
        if (store != null) {
            store.close();
        }
    }

    /** Requests of a test that is the loop itself. */
    private final class Sender implements AutoCloseable {
        final PolledLoop loop;
        final BlockChannel channel;
        final List<Errno> answers = new ArrayList<>();
        int sent;

        Sender(FileStore to) {
            this(to, new PolledLoop());
        }

        Sender(FileStore to, PolledLoop loop) {
            this.loop = loop;
            channel = to.openChannel(loop);
        }

        Memory submit(Command command, int flags, long offset, byte[] bytes) {
            Memory buffer = memory.map(Math.max(bytes.length, BLOCK));
            buffer.bytes().put(0, bytes);
            BlockRequest request = new BlockRequest();
            request.set(command, flags, offset, bytes.length).withMemory(buffer, 0);
            int index = sent++;
            answers.add(null);
            request.push((ended, token) -> answers.set((int) token, ended.errno()), index);
            channel.submit(request);
            return buffer;
        }

        void await() {
            channel.kick();
            loop.pollUntil(() -> !answers.contains(null));
        }

        Errno send(Command command, int flags, long offset, byte[] bytes) {
            submit(command, flags, offset, bytes);
            await();
            return answers.get(sent - 1);
        }

        byte[] read(long offset, int length) {
            Memory buffer = submit(Command.READ, 0, offset, new byte[length]);
            await();
            assertEquals(Errno.OK, answers.get(sent - 1));
            return bytes(buffer, length);
        }

        @Override
        public void close() {
            channel.close();
        }
    }

    private static byte[] bytes(Memory memory, int length) {
        byte[] bytes = new byte[length];
        memory.bytes().get(0, bytes);
        return bytes;
    }

    private static byte[] pattern(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void theLoopKnowsWhileSomeAreAtTheDisk() {
        try (Sender sender = new Sender(store)) {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 3; i++) {
                    sender.submit(Command.READ, 0, (long) i * BLOCK, new byte[BLOCK]);
                }
                assertEquals(0, sender.loop.disks);
                sender.channel.kick();
                assertEquals(1, sender.loop.disks, "however many there are");
                sender.await();
                assertEquals(0, sender.loop.disks);
            }
        }
    }

    @Test
    void whatTheSystemDoesNotTakeIsNotAtTheDisk() {
        try (Sender sender = new Sender(store)) {
            sender.submit(Command.READ, 0, 0, new byte[BLOCK]);
            sender.channel.kick();
            assertEquals(1, sender.loop.disks);
            shim.answer("ringRead", (arguments, real) -> 0);
            shim.answer("ringSubmit", (arguments, real) -> 1);
            sender.submit(Command.READ, 0, BLOCK, new byte[BLOCK]);
            sender.channel.kick();
            assertEquals(1, sender.loop.disks, "the first still is");
            sender.await();
            assertEquals(0, sender.loop.disks);
            sender.submit(Command.READ, 0, BLOCK, new byte[BLOCK]);
            sender.channel.kick();
            assertEquals(0, sender.loop.disks);
            sender.await();
            assertEquals(List.of(Errno.OK, Errno.OK, Errno.OK), sender.answers);
        }
    }

    @Test
    void aChannelThatIsClosedByItsLastCompletionLeavesNothingAtTheDisk() {
        Sender sender = new Sender(store);
        Memory buffer = memory.map(BLOCK);
        BlockRequest request = new BlockRequest();
        request.set(Command.READ, 0, 0, BLOCK).withMemory(buffer, 0);
        boolean[] closed = {false};
        request.push(
                (ended, token) -> {
                    sender.close();
                    closed[0] = true;
                },
                0);
        sender.channel.submit(request);
        sender.channel.kick();
        assertEquals(1, sender.loop.disks);
        sender.loop.pollUntil(() -> closed[0]);
        assertEquals(0, sender.loop.disks);
    }

    @Test
    void aBurstIsFewSystemCallsAndNoThreadsWork() {
        int few = RingLane.SENT_AT - 1;
        int count = 5 * RingLane.SENT_AT + few;
        int calls = 6;
        try (Sender sender = new Sender(store)) {
            List<Memory> read = new ArrayList<>();
            int before = shim.calls("ringSubmit");
            for (int i = 0; i < few; i++) {
                sender.submit(Command.READ, 0, (long) i * BLOCK, new byte[BLOCK]);
            }
            assertEquals(before, shim.calls("ringSubmit"), "few do not go before the kick");
            sender.await();
            assertEquals(before + 1, shim.calls("ringSubmit"));
            for (int i = 0; i < count; i++) {
                sender.submit(Command.WRITE, i % 4 == 0 ? BlockRequest.FUA : 0, (long) i * BLOCK, pattern(i, BLOCK));
            }
            assertEquals(before + calls, shim.calls("ringSubmit"), "the disk has begun");
            sender.await();
            assertEquals(before + 1 + calls, shim.calls("ringSubmit"));
            for (int i = 0; i < count; i++) {
                read.add(sender.submit(Command.READ, 0, (long) i * BLOCK, new byte[BLOCK]));
            }
            sender.await();
            assertEquals(before + 1 + 2 * calls, shim.calls("ringSubmit"));
            for (int i = 0; i < count; i++) {
                assertArrayEquals(pattern(i, BLOCK), bytes(read.get(i), BLOCK), "block " + i);
            }
            int durable = (count + 3) / 4;
            assertEquals(durable, shim.calls("ringWriteDsync"));
            assertEquals(count - durable, shim.calls("ringWrite"));
            assertEquals(0, shim.calls("pwrite") + shim.calls("pwriteDsync"));
        }
    }

    /** The journal of the filesystem needs one meanwhile. */
    @Test
    void aFlushKeepsAProcessorUntilItIsBack() {
        try (Sender sender = new Sender(store)) {
            sender.submit(Command.WRITE, 0, 0, pattern(1, BLOCK));
            assertEquals(0, sender.loop.processors.get());
            sender.await();
            for (int i = 0; i < 3; i++) {
                BlockRequest flush = new BlockRequest();
                List<Errno> flushed = new ArrayList<>();
                flush.set(Command.FLUSH, 0, 0, 0);
                flush.push((ended, token) -> flushed.add(ended.errno()), 0);
                sender.channel.submit(flush);
                assertEquals(1, sender.loop.processors.get());
                sender.loop.pollUntil(() -> !flushed.isEmpty());
                assertEquals(List.of(Errno.OK), flushed);
                assertEquals(0, sender.loop.processors.get());
            }
        }
    }

    /** More than the ring holds, in one burst: the pool takes the rest, and none is lost or answered twice. */
    @Test
    void aFullRingLeavesTheRestToThePool() {
        try (Sender sender = new Sender(store)) {
            int count = RingLane.ENTRIES + 50;
            for (int i = 0; i < count; i++) {
                sender.submit(Command.WRITE, 0, (long) i * BLOCK, pattern(i, BLOCK));
            }
            sender.await();
            assertEquals(RingLane.ENTRIES, shim.calls("ringWrite"));
            assertEquals(50, shim.calls("pwrite"));
            for (int i = 0; i < count; i++) {
                assertEquals(Errno.OK, sender.answers.get(i));
                assertArrayEquals(pattern(i, BLOCK), sender.read((long) i * BLOCK, BLOCK), "block " + i);
            }
        }
    }

    @Test
    void whatDoesNotConcernOneStretchOfDataIsThePools() {
        try (Sender sender = new Sender(store)) {
            assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, pattern(1, 4 * BLOCK)));
            assertEquals(Errno.OK, sender.send(Command.FLUSH, 0, 0, new byte[0]));
            BlockRequest trim = new BlockRequest().set(Command.TRIM, BlockRequest.FUA, BLOCK, BLOCK);
            AtomicBoolean done = new AtomicBoolean();
            trim.push((request, token) -> done.set(request.errno() == Errno.OK), 0);
            sender.channel.submit(trim);
            sender.loop.pollUntil(done::get);
            assertArrayEquals(new byte[BLOCK], sender.read(BLOCK, BLOCK));
            assertEquals(2, shim.calls("fdatasync"));
        }
    }

    @Test
    void aFileThatWasTruncatedUnderUsIsAnErrorNotZeros() throws Exception {
        try (Sender sender = new Sender(store);
                FileChannel other = FileChannel.open(path, StandardOpenOption.WRITE)) {
            assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, pattern(1, 4 * BLOCK)));
            other.truncate(2 * BLOCK);
            assertEquals(Errno.EIO, sender.send(Command.READ, 0, BLOCK, new byte[2 * BLOCK]));
            assertEquals(Errno.EIO, sender.send(Command.READ, 0, 2 * BLOCK, new byte[BLOCK]));
            assertArrayEquals(Arrays.copyOf(pattern(1, 4 * BLOCK), BLOCK), sender.read(0, BLOCK));
        }
    }

    /** Replaces the result of the next request that comes back. */
    private void nextResultIs(int result) {
        shim.answer("ringReap", (arguments, real) -> {
            int count = (int) real.call();
            if (count > 0) {
                OffHeap.at((long) arguments[1], 16).putLong(8, result);
                shim.restore("ringReap");
            }
            return count;
        });
    }

    @Test
    void whatTheRingDoesHalfwayOrNotAtAllThePoolDoesWhole() {
        try (Sender sender = new Sender(store)) {
            byte[] data = pattern(2, 4 * BLOCK);
            assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, data));
            int[] results = {512, 0, -11, -4, -125, -12, -22, -38, -95};
            int done = 0;
            for (int result : results) {
                nextResultIs(result);
                assertArrayEquals(data, sender.read(0, data.length), "after " + result);
                nextResultIs(result);
                byte[] more = pattern(100 - result, 4 * BLOCK);
                int flags = result % 2 == 0 ? 0 : BlockRequest.FUA;
                assertEquals(Errno.OK, sender.send(Command.WRITE, flags, 8 * BLOCK, more), "after " + result);
                assertArrayEquals(more, sender.read(8 * BLOCK, more.length));
                done++;
                assertEquals(done, shim.calls("pwrite") + shim.calls("pwriteDsync"));
            }
            assertEquals(0, store.lossCount());
        }
    }

    /** Else what it has led others to submit would lie in the ring until something else comes. */
    @Test
    void aCompletionThatBreaksDoesNotKeepWhatWasSubmittedFromBeingSent() {
        try (Sender sender = new Sender(store)) {
            BlockRequest broken = new BlockRequest();
            broken.set(Command.READ, 0, 0, BLOCK).withMemory(memory.map(BLOCK), 0);
            broken.push(
                    (ended, token) -> {
                        sender.submit(Command.READ, 0, BLOCK, new byte[BLOCK]);
                        throw new AssertionError("a defect");
                    },
                    0);
            sender.channel.submit(broken);
            sender.channel.kick();
            assertThrows(AssertionError.class, () -> sender.loop.pollUntil(() -> sender.sent > 0));
            sender.loop.pollUntil(() -> !sender.answers.contains(null));
            assertEquals(List.of(Errno.OK), sender.answers);
        }
    }

    /** The ring tells of each only once. */
    @Test
    void aCompletionThatBreaksDoesNotTakeOthersWithIt() {
        try (Sender sender = new Sender(store)) {
            Memory buffer = memory.map(BLOCK);
            BlockRequest broken = new BlockRequest();
            broken.set(Command.READ, 0, 0, BLOCK).withMemory(buffer, 0);
            broken.push(
                    (ended, token) -> {
                        throw new AssertionError("a defect");
                    },
                    0);
            sender.channel.submit(broken);
            for (int i = 1; i < 32; i++) {
                sender.submit(Command.READ, 0, (long) i * BLOCK, new byte[BLOCK]);
            }
            assertEquals(
                    "a defect",
                    assertThrows(AssertionError.class, sender::await).getMessage());
            sender.await();
            assertEquals(31, sender.answers.stream().filter(Errno.OK::equals).count());
        }
    }

    @Test
    void anErrorOfTheDiskIsItsRequestsOwn() {
        try (Sender sender = new Sender(store)) {
            for (Command command : new Command[] {Command.READ, Command.WRITE}) {
                nextResultIs(EIO);
                assertEquals(Errno.EIO, sender.send(command, 0, 0, new byte[BLOCK]));
                nextResultIs(-28);
                assertEquals(Errno.ENOSPC, sender.send(command, 0, 0, new byte[BLOCK]));
            }
            nextResultIs(-28);
            assertEquals(Errno.ENOSPC, sender.send(Command.WRITE, BlockRequest.FUA, 0, new byte[BLOCK]));
            assertEquals(0, store.lossCount());
            assertEquals(0, shim.calls("pwrite") + shim.calls("pwriteDsync"), "an error is not tried away");
        }
    }

    /** The disk's cache may have been lost, with what others wrote in it. */
    @Test
    void aDurableWriteThatFailsCountsAsALoss() {
        try (Sender sender = new Sender(store)) {
            nextResultIs(EIO);
            assertEquals(Errno.EIO, sender.send(Command.WRITE, BlockRequest.FUA, 0, new byte[BLOCK]));
            assertEquals(1, store.lossCount());
            assertTrue(store.troubled());
            assertEquals(0, shim.calls("pwriteDsync"), "written again it might succeed, and the loss be forgotten");
        }
    }

    /** Eights are on their way when some of the next are refused: those go to the pool, and no others. */
    @Test
    void whatTheSystemDoesNotTakeOfALaterEightThePoolDoes() {
        int count = 3 * RingLane.SENT_AT;
        try (Sender sender = new Sender(store)) {
            int[] noted = {0};
            shim.answer("ringWrite", (arguments, real) -> {
                // The last three of the second eight are never seen by the system.
                int index = noted[0]++;
                return index >= 2 * RingLane.SENT_AT - 3 && index < 2 * RingLane.SENT_AT ? 0 : real.call();
            });
            int[] sent = {0};
            shim.answer("ringSubmit", (arguments, real) -> {
                Object refused = real.call();
                return ++sent[0] == 2 ? 3 : refused;
            });
            for (int i = 0; i < count; i++) {
                sender.submit(Command.WRITE, 0, (long) i * BLOCK, pattern(i, BLOCK));
            }
            sender.await();
            shim.restore("ringWrite");
            shim.restore("ringSubmit");
            assertEquals(3, shim.calls("pwrite"));
            assertFalse(sender.answers.stream().anyMatch(each -> each != Errno.OK), sender.answers::toString);
            for (int i = 0; i < count; i++) {
                assertArrayEquals(pattern(i, BLOCK), sender.read((long) i * BLOCK, BLOCK), "block " + i);
            }
        }
    }

    /** Completions that lead to more than an eight: what they submit goes while they are being ended. */
    @Test
    void whatCompletionsSubmitIsSentToo() {
        try (Sender sender = new Sender(store)) {
            List<Errno> later = new ArrayList<>();
            for (int i = 0; i < RingLane.SENT_AT; i++) {
                int index = i;
                Memory buffer = memory.map(BLOCK);
                buffer.bytes().put(0, pattern(i, BLOCK));
                BlockRequest first = new BlockRequest();
                first.set(Command.WRITE, 0, (long) i * BLOCK, BLOCK).withMemory(buffer, 0);
                first.push(
                        (ended, token) -> {
                            for (int k = 0; k < 3; k++) {
                                BlockRequest next = new BlockRequest();
                                next.set(Command.WRITE, 0, (long) (100 + 3 * index + k) * BLOCK, BLOCK)
                                        .withMemory(buffer, 0);
                                next.push((done, unused) -> later.add(done.errno()), 0);
                                sender.channel.submit(next);
                            }
                        },
                        0);
                sender.channel.submit(first);
            }
            sender.channel.kick();
            sender.loop.pollUntil(() -> later.size() == 3 * RingLane.SENT_AT);
            assertFalse(later.stream().anyMatch(each -> each != Errno.OK), later::toString);
            for (int i = 0; i < 3 * RingLane.SENT_AT; i++) {
                assertArrayEquals(pattern(i / 3, BLOCK), sender.read((100L + i) * BLOCK, BLOCK), "block " + i);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {5, RingLane.SENT_AT, 3 * RingLane.SENT_AT + 1})
    void whatTheSystemDoesNotTakeThePoolDoes(int count) {
        try (Sender sender = new Sender(store)) {
            int[] swallowed = {0};
            shim.answer("ringWrite", (arguments, real) -> {
                swallowed[0]++;
                return 0;
            });
            shim.answer("ringSubmit", (arguments, real) -> {
                int refused = swallowed[0];
                swallowed[0] = 0;
                return refused;
            });
            for (int i = 0; i < count; i++) {
                sender.submit(Command.WRITE, 0, (long) i * BLOCK, pattern(i, BLOCK));
            }
            sender.await();
            shim.restore("ringWrite");
            shim.restore("ringSubmit");
            assertEquals(count, shim.calls("pwrite"));
            for (int i = 0; i < count; i++) {
                assertArrayEquals(pattern(i, BLOCK), sender.read((long) i * BLOCK, BLOCK));
            }
        }
    }

    @Test
    void channelsOfALoopShareARingUntilTheLastIsClosed() {
        int before = shim.calls("ringOpen");
        Sender first = new Sender(store);
        BlockChannel second = store.openChannel(first.loop);
        try (Sender elsewhere = new Sender(store)) {
            assertEquals(before + 2, shim.calls("ringOpen"), "one for each loop");
            int closed = shim.calls("ringClose");
            assertEquals(Errno.OK, first.send(Command.WRITE, 0, 0, pattern(1, BLOCK)));
            first.close();
            assertEquals(closed, shim.calls("ringClose"));
            second.close();
            assertEquals(closed + 1, shim.calls("ringClose"));
            assertEquals(0, first.loop.watchCount());
            assertArrayEquals(pattern(1, BLOCK), elsewhere.read(0, BLOCK));
        }
        try (Sender again = new Sender(store)) {
            assertArrayEquals(pattern(1, BLOCK), again.read(0, BLOCK));
        }
        assertEquals(before + 3, shim.calls("ringOpen"));
    }

    /** As the ring of a process that was killed has it until its last write has landed. */
    @Test
    void isNotOpenedWhileWritesOfAnotherAreUnderWay() throws Exception {
        store.close();
        store = null;
        int other = realShim().open(ShimLibrary.cString(path.toString()).address(), Shim.OPEN_WRITE);
        // The system lets go of a closed ring's file a little later.
        while (realShim().lock(other, 0) != 0) {
            Thread.onSpinWait();
        }
        FileStores impatient =
                new FileStores((file, options) -> ShimFile.open(realShim(), file, options), memory, Duration.ZERO);
        for (StoreOptions how :
                List.of(DIRECT, StoreOptions.BUFFERED, new StoreOptions(true, true), new StoreOptions(true, false))) {
            StoreInUseException refused = assertThrows(StoreInUseException.class, () -> impatient.open(path, how));
            assertTrue(refused.getMessage().contains("flock"), refused.getMessage());
        }
        impatient.open(path, StoreOptions.PEEK).close();
        Thread landing = new Thread(() -> realShim().close(other));
        landing.start();
        store = (FileStore) stores.open(path, DIRECT);
        landing.join();
        int third = realShim().open(ShimLibrary.cString(path.toString()).address(), Shim.OPEN_WRITE);
        assertTrue(realShim().lock(third, 0) < 0, "the store has it now");
        realShim().close(third);
    }

    private void refuseRings() throws StoreException {
        store.close();
        store = null;
        shim.answer("ringOpen", (arguments, real) -> (long) EPERM);
    }

    @Nested
    class WhenTheSystemRefuses extends BlockStoreContract {
        @Override
        protected BlockStore open() throws Exception {
            refuseRings();
            return stores.open(path, DIRECT);
        }
    }

    @Test
    void threadsDoAllOfItWhenTheSystemRefuses() throws Exception {
        refuseRings();
        store = (FileStore) stores.open(path, DIRECT);
        assertEquals("pool", store.lane());
        try (Sender sender = new Sender(store)) {
            assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, pattern(1, BLOCK)));
            assertEquals(1, shim.calls("pwrite"));
        }
    }

    /** It was possible when the store was opened, and later no descriptor is left, say. */
    @Test
    void aRingThatCannotBeHadLaterIsDoneWithout() {
        shim.answer("ringOpen", (arguments, real) -> (long) -24);
        try (Sender sender = new Sender(store)) {
            assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, pattern(1, BLOCK)));
            assertEquals(1, shim.calls("pwrite"));
        }
        shim.restore("ringOpen");
        try (Sender sender = new Sender(store)) {
            assertArrayEquals(pattern(1, BLOCK), sender.read(0, BLOCK));
            assertEquals(1, shim.calls("ringRead"));
        }
    }

    /** Whether the loop says so or breaks: threads do it, and the ring that nobody would look at is given back. */
    @Test
    void aLoopThatCannotWatchItDoesWithout() {
        List<Supplier<IoLoop.Watch>> failures = List.of(() -> null, () -> {
            throw new IllegalStateException("no descriptor is left");
        });
        for (Supplier<IoLoop.Watch> failure : failures) {
            PolledLoop loop = new PolledLoop();
            loop.insteadOfWatching = failure;
            int writes = shim.calls("pwrite");
            try (Sender sender = new Sender(store, loop)) {
                assertEquals(shim.calls("ringOpen"), shim.calls("ringClose"));
                assertEquals(Errno.OK, sender.send(Command.WRITE, 0, 0, pattern(1, BLOCK)));
                assertArrayEquals(pattern(1, BLOCK), sender.read(0, BLOCK));
                assertEquals(writes + 1, shim.calls("pwrite"));
            }
        }
        assertEquals(0, store.ringRequestCount());
        assertFalse(store.troubled());
    }

    /** Ended with the sync that ends well, the FLUSH would acknowledge what the disk's cache has lost. */
    @Test
    void aFlushThatIsUnderWayIsToldOfADurableWriteThatFails() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (Sender sender = new Sender(store)) {
            shim.answer("fdatasync", (arguments, real) -> -28);
            assertEquals(Errno.ENOSPC, sender.send(Command.FLUSH, 0, 0, new byte[0]));
            shim.answer("fdatasync", (arguments, real) -> {
                inside.countDown();
                assertTrue(goOn.await(30, TimeUnit.SECONDS));
                return real.call();
            });
            sender.submit(Command.FLUSH, 0, 0, new byte[0]);
            assertTrue(inside.await(30, TimeUnit.SECONDS));
            nextResultIs(EIO);
            sender.submit(Command.WRITE, BlockRequest.FUA, 0, new byte[BLOCK]);
            sender.channel.kick();
            sender.loop.pollUntil(() -> store.lossCount() == 2);
            goOn.countDown();
            sender.await();
            assertEquals(List.of(Errno.ENOSPC, Errno.EIO, Errno.EIO), sender.answers, "and not of the loss before");
            assertEquals(Errno.OK, sender.send(Command.FLUSH, 0, 0, new byte[0]));
            assertFalse(store.troubled());
        }
    }

    @Nested
    class WhenTheStorageDoesNotAnswer {
        private final AtomicBoolean silent = new AtomicBoolean(true);

        private void beSilent() {
            shim.answer("ringReap", (arguments, real) -> silent.get() ? Integer.valueOf(0) : real.call());
        }

        @Test
        void theFileStaysOpenAndLockedUntilItDoes() throws Exception {
            beSilent();
            Sender sender = new Sender(store);
            sender.submit(Command.WRITE, 0, 0, pattern(1, BLOCK));
            sender.channel.kick();
            store.close(Duration.ZERO);
            assertThrows(StoreException.class, () -> stores.open(path, DIRECT));
            CompletableFuture<Void> closed = CompletableFuture.runAsync(store::close);
            silent.set(false);
            sender.loop.pollUntil(closed::isDone);
            closed.get();
            assertEquals(List.of(Errno.OK), sender.answers);
            sender.close();
            store = (FileStore) stores.open(path, DIRECT);
            try (Sender again = new Sender(store)) {
                assertArrayEquals(pattern(1, BLOCK), again.read(0, BLOCK));
            }
        }

        /** What the ring cannot finish then has nowhere to go any more, but it is answered. */
        @Test
        void aRequestThatComesBackUnfinishedAfterTheCloseIsRefused() {
            beSilent();
            Sender sender = new Sender(store);
            sender.submit(Command.WRITE, 0, 0, pattern(1, BLOCK));
            sender.channel.kick();
            store.close(Duration.ZERO);
            nextResultIs(IoRing.CANCELLED);
            sender.loop.pollUntil(() -> !sender.answers.contains(null));
            assertEquals(List.of(Errno.ESHUTDOWN), sender.answers);
            sender.close();
        }

        @Test
        void theGuardKnows() throws Exception {
            AtomicLong time = new AtomicLong(1);
            LanePool pool = new LanePool("f", time::get);
            SystemFile file = ShimFile.open(shim.shim(), path, DIRECT);
            StoreRings rings = new StoreRings(file, "f", pool.guard());
            PolledLoop loop = new PolledLoop();
            FileCall call = new FileCall(file, null, new Durability(file, "f"), StoreTroubles.of("f"), false);
            BlockChannel channel = new FileChannelOfLoop(loop, call, pool, Lanes.RING, rings.enter(loop));
            List<Errno> answers = new ArrayList<>();
            Completion answered = (request, token) -> answers.add(request.errno());
            beSilent();
            for (int i = 0; i < 2; i++) {
                read(channel, answered);
                time.addAndGet(StallGuard.STALL_NANOS / 2 + 10);
            }
            assertTrue(pool.guard().stalls(), "the first is out for too long");
            silent.set(false);
            loop.pollUntil(() -> answers.size() == 2);
            assertFalse(pool.guard().stalls());

            // A call that only sends off requests should not wait. If it does, threads take over for a while.
            shim.answer("ringSubmit", (arguments, real) -> {
                time.addAndGet(StallGuard.STALL_NANOS + 1);
                return real.call();
            });
            int reads = shim.calls("pread");
            for (int expected = 3; expected <= 4; expected++) {
                int count = expected;
                read(channel, answered);
                loop.pollUntil(() -> answers.size() == count);
            }
            assertEquals(3, shim.calls("ringRead"));
            assertEquals(reads + 1, shim.calls("pread"));

            // All that a burst has to wait counts together.
            time.addAndGet(StallGuard.DISTRUST_NANOS + 1);
            assertFalse(pool.guard().distrusts());
            shim.answer("ringSubmit", (arguments, real) -> {
                time.addAndGet(StallGuard.STALL_NANOS / 2 + 1);
                return real.call();
            });
            for (int i = 0; i < 2 * RingLane.SENT_AT; i++) {
                submit(channel, answered);
            }
            channel.kick();
            assertTrue(pool.guard().distrusts());
            loop.pollUntil(() -> answers.size() == 4 + 2 * RingLane.SENT_AT);
            time.addAndGet(StallGuard.DISTRUST_NANOS + 1);
            for (int i = 0; i < 2; i++) {
                int count = answers.size() + 1;
                read(channel, answered);
                loop.pollUntil(() -> answers.size() == count);
            }
            assertFalse(pool.guard().distrusts(), "two bursts are not one");
            channel.close();
            assertTrue(rings.drain(Duration.ZERO));
            assertTrue(pool.drain(Duration.ofSeconds(30)));
            file.close();
        }

        private void read(BlockChannel channel, Completion whenDone) {
            submit(channel, whenDone);
            channel.kick();
        }

        private void submit(BlockChannel channel, Completion whenDone) {
            BlockRequest request = new BlockRequest();
            request.set(Command.READ, 0, 0, BLOCK).withMemory(memory.map(BLOCK), 0);
            request.push(whenDone, 0);
            channel.submit(request);
        }
    }

    /** With the clock standing still, as a slow machine is not the matter here. */
    @Test
    void aRequestAllocatesNothing() throws Exception {
        LanePool pool = new LanePool("f", () -> 1);
        SystemFile file = ShimFile.open(realShim(), path, DIRECT);
        PolledLoop loop = new PolledLoop();
        FileCall call = new FileCall(file, null, new Durability(file, "f"), StoreTroubles.of("f"), false);
        BlockChannel channel = new FileChannelOfLoop(
                loop, call, pool, Lanes.RING, new StoreRings(file, "f", pool.guard()).enter(loop));
        Memory buffer = memory.map(BLOCK);
        BlockRequest request = new BlockRequest();
        Counter counter = new Counter();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        for (Command command : new Command[] {Command.READ, Command.WRITE}) {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 4; round++) {
                long before = threads.getThreadAllocatedBytes(self);
                for (int i = 0; i < 5_000; i++) {
                    request.set(command, 0, (long) (i % 512) * BLOCK, BLOCK).withMemory(buffer, 0);
                    request.push(counter, 0);
                    int expected = counter.done + 1;
                    channel.submit(request);
                    channel.kick();
                    while (counter.done < expected) {
                        loop.poll();
                    }
                }
                least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
            }
            long bytes = least;
            assertTrue(bytes < 5_000, () -> command + ": " + bytes + " bytes in 5000 requests");
        }
        assertEquals(40_000, counter.done);
        channel.close();
        file.close();
    }

    private static final class Counter implements Completion {
        private int done;

        @Override
        public void onComplete(BlockRequest request, long token) {
            done += request.errno() == Errno.OK ? 1 : 0;
        }
    }

    /** On the loops that the server has, told by their own epoll. */
    @Test
    void theServersLoopsAreToldOfCompletions() throws Exception {
        try (IoLoops loops = IoLoops.start(2, IoLoops.BUFFER_BYTES_MIN, memory)) {
            for (int round = 0; round < 3; round++) {
                for (IoLoop loop : loops.all()) {
                    CompletableFuture<String> outcome = new CompletableFuture<>();
                    loop.execute(() -> writeMany(loop, outcome));
                    assertEquals("", outcome.get(30, TimeUnit.SECONDS));
                }
            }
            ByteBuffer got = ByteBuffer.allocate(200 * BLOCK);
            store.read(0, got);
            for (int i = 0; i < got.capacity(); i++) {
                assertEquals((byte) (i / BLOCK), got.get(i), "byte " + i);
            }
            assertTrue(shim.calls("ringWrite") >= 6 * 200);
            assertEquals(6 * 200, store.ringRequestCount(), "counted over rings that are closed");
        }
    }

    private void writeMany(IoLoop loop, CompletableFuture<String> outcome) {
        BlockChannel channel = store.openChannel(loop);
        int[] left = {200};
        for (int i = 0; i < 200; i++) {
            Memory buffer = memory.map(BLOCK);
            for (int at = 0; at < BLOCK; at++) {
                buffer.bytes().put(at, (byte) i);
            }
            BlockRequest request = new BlockRequest();
            request.set(Command.WRITE, 0, (long) i * BLOCK, BLOCK).withMemory(buffer, 0);
            request.push(
                    (ended, token) -> {
                        if (ended.errno() != Errno.OK) {
                            outcome.complete("errno " + ended.errno());
                        }
                        if (--left[0] == 0) {
                            channel.close();
                            outcome.complete("");
                        }
                    },
                    0);
            channel.submit(request);
            if (i % 7 == 0) {
                channel.kick();
            }
        }
        channel.kick();
    }
}

package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.block.Errno;
import io.blockseal.memory.BufferArena;
import io.blockseal.metrics.CutOff;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Clients that break off, stall, crowd in or send garbage: they cost their own connection and nothing else. */
@Timeout(120)
class RobustnessTest {
    private static final int EINVAL = 22;

    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        log.start();
        root.addAppender(log);
        rig = new ServerRig();
    }

    @AfterEach
    void everythingIsBackAndNothingWasLoggedAsAnError() throws Exception {
        try {
            rig.assertEverythingIsBack();
        } finally {
            rig.close();
            root.detachAppender(log);
        }
        synchronized (log) {
            for (ILoggingEvent event : List.copyOf(log.list)) {
                assertFalse(event.getLevel().isGreaterOrEqual(Level.WARN), event.getFormattedMessage());
            }
        }
    }

    private static byte[] pattern(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void whoSaysGoodByeAndEndsSendingStillGetsItsReplies() throws Exception {
        rig.disk.hold = true;
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            nbd.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            nbd.send(0, NbdCommand.DISC.code(), 2, 0, 0);
            nbd.endSending();
            while (rig.disk.heldCount() < 1) {
                Thread.onSpinWait();
            }
            // The loops have seen the end of the stream when they have served somebody else once more.
            rig.disk.hold = false;
            for (int i = 0; i < 4 * ServerRig.LOOPS; i++) {
                try (RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
                    assertEquals(0, other.read(0, 512).error());
                }
            }
            rig.disk.letGo();
            assertEquals(0, nbd.reply(1, 0).error());
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    void aThousandClientsComeAndGo() throws Exception {
        Random random = new Random(1000);
        List<RawNbd> open = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            RawNbd nbd = RawNbd.connect(rig.socket);
            open.add(nbd);
            switch (random.nextInt(4)) {
                case 0 -> nbd.greet(3);
                case 1 -> {
                    nbd.greet(3);
                    nbd.go("disk");
                    assertEquals(0, nbd.read(0, 4096).error());
                }
                case 2 -> {
                    nbd.greet(3);
                    nbd.sendOptionHeader(3, 9);
                }
                default -> {
                    // Not a word.
                }
            }
            if (open.size() > 200) {
                open.remove(random.nextInt(open.size())).close();
            }
        }
        for (RawNbd nbd : open) {
            nbd.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 4, 12, 20})
    void halfAHandshakeThenSilenceRunsOutOfTime(int bytes) throws Exception {
        try (ServerRig impatient = new ServerRig(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(100));
                RawNbd nbd = RawNbd.connect(impatient.socket)) {
            nbd.in.readNBytes(18);
            byte[] all = RawNbd.bytes(data -> {
                data.writeInt(3);
                data.writeLong(NbdMagic.OPTION);
                data.writeInt(7);
                data.writeInt(100);
            });
            nbd.out.write(all, 0, bytes);
            nbd.out.flush();
            assertTrue(nbd.isClosedByServer());
            impatient.assertEverythingIsBack();
        }
    }

    @Test
    void halfARequestHeaderHurtsNobody() throws Exception {
        try (RawNbd half = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
                RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            half.out.writeInt(NbdMagic.REQUEST);
            half.out.flush();
            assertEquals(0, other.read(0, 4096).error());
            half.out.writeShort(0);
            half.out.writeShort(0);
            half.out.writeLong(7);
            half.out.writeLong(0);
            half.out.flush();
            assertEquals(0, other.read(0, 4096).error());
            half.out.writeInt(512);
            half.out.flush();
            assertEquals(0, half.reply(7, 512).error());
        }
    }

    @Test
    void aHeaderAtATimeByteByByteIsUnderstood() throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.STRUCTURED)) {
            byte[] data = pattern(300, 3);
            byte[] request = RawNbd.bytes(out -> {
                out.writeInt(NbdMagic.REQUEST);
                out.writeShort(0);
                out.writeShort(NbdCommand.WRITE.code());
                out.writeLong(3);
                out.writeLong(777);
                out.writeInt(data.length);
                out.write(data);
            });
            for (byte one : request) {
                nbd.out.write(one);
                nbd.out.flush();
            }
            assertEquals(0, nbd.reply(3, 0).error());
            assertArrayEquals(data, nbd.read(777, 300).data());
        }
    }

    @Test
    void aClientThatNeverReadsHoldsLittleAndSlowsNobody() throws Exception {
        List<RawNbd> deaf = new ArrayList<>();
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Void>> senders = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.STRUCTURED);
            deaf.add(nbd);
            senders.add(CompletableFuture.runAsync(() -> {
                try {
                    for (int k = 0; k < 1_000_000; k++) {
                        nbd.send(0, NbdCommand.READ.code(), k, 0, k % 3 == 0 ? 1 << 20 : 4096);
                    }
                } catch (IOException e) {
                    // The test closes the connection while we still send.
                    over.set(true);
                }
            }));
        }
        try (RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.STRUCTURED)) {
            for (int i = 0; i < 2000; i++) {
                assertEquals(0, other.read(0, 65536).error());
                // One MiB of backlog and one request for each; the buffers count with the size of their slots.
                assertTrue(rig.bufferBytesLeased() < 4 * (6 << 20), () -> rig.bufferBytesLeased() + " bytes leased");
            }
        }
        for (RawNbd nbd : deaf) {
            nbd.close();
        }
        CompletableFuture.allOf(senders.toArray(new CompletableFuture<?>[0])).join();
        assertTrue(over.get());
    }

    /** They would hold five times what there is, and the first of them as much as they like. */
    @Test
    void twoHundredThatNeverReadLeaveRoomForOthers() throws Exception {
        byte[] data = pattern(4 << 20, 11);
        List<RawNbd> deaf = new ArrayList<>();
        try (RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.STRUCTURED)) {
            assertEquals(0, other.write(0, 0, data).error());
            for (int i = 0; i < 200; i++) {
                RawNbd nbd = RawNbd.transmitting(
                        rig.socket, "disk", i % 3 == 0 ? NbdReplyStyle.SIMPLE : NbdReplyStyle.STRUCTURED);
                for (int k = 0; k < 20; k++) {
                    nbd.send(0, NbdCommand.READ.code(), k, (long) k << 20, 1 << 20);
                }
                deaf.add(nbd);
            }
            // Half of both loops' buffers, but for a piece or two.
            while (rig.bufferBytesLeased() < 36 << 20) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 20; i++) {
                int length = 1 << (12 + i % 11);
                assertArrayEquals(
                        Arrays.copyOf(data, length), other.read(0, length).data());
                assertEquals(0, other.write(0, 0, Arrays.copyOf(data, length)).error());
            }
            assertEquals(201, rig.server.connectionCount(), "nobody had to go for it");
            // Who begins to read gets all of it.
            for (RawNbd awake : deaf.subList(148, 152)) {
                for (int k = 0; k < 20; k++) {
                    byte[] expected = k < 4 ? Arrays.copyOfRange(data, k << 20, (k + 1) << 20) : new byte[1 << 20];
                    assertArrayEquals(expected, awake.reply(k, 1 << 20).data());
                }
            }
        } finally {
            for (RawNbd nbd : deaf) {
                nbd.close();
            }
        }
    }

    /** A reply that is too large to be held is sent as it is read, and there is no way back. */
    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"SIMPLE", "STRUCTURED"})
    void aReplyThatBreaksOffEndsTheConnection(NbdReplyStyle style) throws Exception {
        int length = 32 << 20;
        int flags = style == NbdReplyStyle.SIMPLE ? 0 : NbdCommandFlags.DF;
        byte[] data = pattern(length, 13);
        rig.disk.failWith = Errno.EIO;
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            rig.disk.failAt = length - 1;
            assertEquals(0, nbd.write(0, 0, Arrays.copyOf(data, length / 2)).error());
            rig.disk.failAt = 0;
            nbd.send(flags, NbdCommand.READ.code(), 1, 0, length);
            assertEquals(Errno.EIO.wireValue(), nbd.reply(1, 0).error(), "nothing had left");
            rig.disk.failAt = length / 2;
            nbd.send(flags, NbdCommand.READ.code(), 2, 0, length);
            int header = style == NbdReplyStyle.SIMPLE ? 16 : 28;
            byte[] came = nbd.in.readNBytes(header + length);
            assertEquals(header + length / 2, came.length);
            assertArrayEquals(
                    Arrays.copyOf(data, length / 2),
                    Arrays.copyOfRange(came, header, came.length),
                    "and that is right");
        }
        rig.disk.failWith = Errno.OK;
    }

    /** It was ready before, and waited for the flush. */
    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"SIMPLE", "STRUCTURED"})
    void noEarlierReplyComesBetweenThePieces(NbdReplyStyle style) throws Exception {
        int length = 24 << 20;
        byte[] data = pattern(length, 16);
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            assertEquals(0, nbd.write(0, 0, data).error());
            nbd.put(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            nbd.send(style == NbdReplyStyle.SIMPLE ? 0 : NbdCommandFlags.DF, NbdCommand.READ.code(), 2, 0, length);
            assertEquals(0, nbd.reply(1, 0).error());
            assertArrayEquals(data, nbd.reply(2, length).data());
        }
    }

    /** The last piece is still to come, and what is answered meanwhile would be taken for it. */
    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"SIMPLE", "STRUCTURED"})
    void nothingComesBetweenThePiecesOfAReply(NbdReplyStyle style) throws Exception {
        int length = 24 << 20;
        int piece = BufferShare.LEAST_BYTES;
        byte[] data = pattern(length, 14);
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            assertEquals(0, nbd.write(0, 0, data).error());
            rig.disk.hold = true;
            nbd.put(style == NbdReplyStyle.SIMPLE ? 0 : NbdCommandFlags.DF, NbdCommand.READ.code(), 1, 0, length);
            // Nobody knows it, so it is answered at once.
            nbd.send(0, 99, 2, 0, 512);
            int header = style == NbdReplyStyle.SIMPLE ? 16 : 28;
            byte[] came = new byte[header + length];
            for (int at = 0; at < length; at += piece) {
                while (rig.disk.heldCount() < 1) {
                    Thread.onSpinWait();
                }
                if (at + piece == length) {
                    flushesAreOver();
                }
                rig.disk.letGo(1);
                nbd.in.readFully(came, at == 0 ? 0 : header + at, at == 0 ? header + piece : piece);
            }
            rig.disk.hold = false;
            assertArrayEquals(data, Arrays.copyOfRange(came, header, came.length));
            assertEquals(EINVAL, nbd.reply(2, 0).error());
        }
    }

    /** What the loops were at is done, and what that had them do later. */
    private void flushesAreOver() throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            rig.letLoopsTurn();
        }
    }

    /** Half a payload takes a buffer as well. */
    @Test
    void twoHundredThatNeverEndTheirWritesLeaveRoomForOthers() throws Exception {
        byte[] data = pattern(1 << 20, 12);
        List<RawNbd> slow = new ArrayList<>();
        try (RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            for (int i = 0; i < 200; i++) {
                RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
                nbd.send(0, NbdCommand.WRITE.code(), 1, 0, 32 << 20, new byte[1000]);
                slow.add(nbd);
            }
            while (rig.metrics.recorder(0).inFlight() + rig.metrics.recorder(1).inFlight() < 200) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 10; i++) {
                assertEquals(0, other.write(0, 1 << 20, data).error());
                assertArrayEquals(data, other.read(1 << 20, data.length).data());
            }
            assertEquals(201, rig.server.connectionCount(), "nobody had to go for it");
            // Who goes on is served as well, in small pieces.
            RawNbd awake = slow.get(150);
            awake.out.write(new byte[(32 << 20) - 1000]);
            awake.out.flush();
            assertEquals(0, awake.reply(1, 0).error());
        } finally {
            for (RawNbd nbd : slow) {
                nbd.close();
            }
        }
    }

    /** Each takes fifty times its bytes when they leave one by one. */
    @Test
    void repliesWithoutDataThatNobodyReadsAreBoundedToo() throws Exception {
        int count = 40_000;
        try (RawNbd deaf = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            CompletableFuture<Void> sender = CompletableFuture.runAsync(() -> {
                try {
                    for (int i = 0; i < count; i++) {
                        // Not by the stream, which would not let us read while it waits.
                        ByteBuffer request = ByteBuffer.allocate(29).putInt(NbdMagic.REQUEST);
                        request.putShort((short) 0).putShort((short) NbdCommand.WRITE.code());
                        request.putLong(i).putLong(i).putInt(1).position(0);
                        while (request.hasRemaining()) {
                            deaf.channel.write(request);
                        }
                        // One burst for each.
                        rig.letLoopsTurn();
                    }
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int idle = 0, last = 0; idle < 1000; ) {
                int submits = rig.disk.submits.get();
                idle = submits == last && submits > 0 ? idle + 1 : 0;
                last = submits;
                rig.letLoopsTurn();
            }
            int taken = rig.disk.submits.get();
            // What lies in the socket depends on how many leave at once: some hundred, or all that 208 KiB have room
            // for.
            assertTrue(taken < 20_000, taken + " of them were taken");
            for (int i = 0; i < count; i++) {
                assertEquals(0, deaf.reply(i, 0).error());
            }
            sender.join();
        }
    }

    @Test
    void declaredPayloadsTakeNoMemoryBeforeTheyArrive() throws Exception {
        List<RawNbd> clients = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
            nbd.send(0, NbdCommand.WRITE.code(), 1, 0, 32 << 20);
            clients.add(nbd);
        }
        try (RawNbd other = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, other.read(0, 1 << 20).error());
            // One each, and that of the reply.
            int most = 21 * BufferArena.occupiedBytes(1 << 20);
            assertTrue(rig.bufferBytesLeased() <= most, () -> rig.bufferBytesLeased() + " bytes leased");
        }
        for (RawNbd nbd : clients) {
            nbd.close();
        }
    }

    @Test
    void manyLargeRequestsAtOnceAllEnd() throws Exception {
        // 8 clients on two loops of 40 MiB each: no two whole replies fit, so all but one have to wait.
        rig.disk.later = true;
        byte[] data = pattern(32 << 20, 32);
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, nbd.write(0, 0, data).error());
        }
        List<CompletableFuture<Void>> clients = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int number = i;
            clients.add(CompletableFuture.runAsync(
                    () -> {
                        NbdReplyStyle style = number % 3 == 0 ? NbdReplyStyle.STRUCTURED : NbdReplyStyle.SIMPLE;
                        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
                            for (int k = 0; k < 3; k++) {
                                assertArrayEquals(data, nbd.read(0, 32 << 20).data());
                                assertEquals(0, nbd.write(0, 0, data).error());
                                assertEquals(0, nbd.read(0, 4096).error());
                            }
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    },
                    task -> new Thread(task, "client").start()));
        }
        CompletableFuture.allOf(clients.toArray(new CompletableFuture<?>[0])).join();
    }

    @Test
    void whoSitsOnBuffersWhileOthersStarveIsCutOff() throws Exception {
        try (ServerRig tight = new ServerRig(ServerOptions.DEFAULT.withStallTimeoutMillis(120))) {
            // Half a payload from each of 800 clients is more than both loops have, even when each gets 64 KiB only.
            List<RawNbd> sitting = new ArrayList<>();
            for (int i = 0; i < 800; i++) {
                RawNbd nbd = RawNbd.transmitting(tight.socket, "disk", NbdReplyStyle.SIMPLE);
                nbd.send(0, NbdCommand.WRITE.code(), 1, 0, 1 << 20, new byte[1000]);
                sitting.add(nbd);
            }
            try (RawNbd one = RawNbd.transmitting(tight.socket, "disk", NbdReplyStyle.SIMPLE);
                    RawNbd two = RawNbd.transmitting(tight.socket, "disk", NbdReplyStyle.SIMPLE)) {
                assertEquals(0, one.read(0, 32 << 20).error());
                assertEquals(0, two.read(0, 32 << 20).error());
            }
            assertTrue(tight.server.connectionCount() < 800);
            assertTrue(tight.refusals.countOf(CutOff.STALLED) > 0);
            for (RawNbd nbd : sitting) {
                nbd.close();
            }
            tight.assertEverythingIsBack();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void garbageInTheHandshakeEndsTheConnection(long seed) throws Exception {
        Random random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            try (RawNbd nbd = RawNbd.connect(rig.socket)) {
                int kind = random.nextInt(3);
                if (kind > 0) {
                    nbd.greet(3);
                }
                try {
                    for (int k = 0; k < 20; k++) {
                        byte[] garbage = new byte[random.nextInt(300)];
                        random.nextBytes(garbage);
                        if (kind == 2) {
                            nbd.sendOptionHeader(random.nextInt(14), garbage.length);
                        }
                        nbd.out.write(garbage);
                    }
                    nbd.out.flush();
                } catch (IOException closed) {
                    // The server had enough.
                }
            }
        }
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, nbd.read(0, 512).error(), "seed " + seed);
        }
    }

    @ParameterizedTest
    @EnumSource(NbdReplyStyle.class)
    void garbageInTransmissionIsAnsweredOrEndsTheConnection(NbdReplyStyle style) throws Exception {
        for (long seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            rig.disk.later = random.nextBoolean();
            try (RawNbd nbd = RawNbd.withAllocationIfChunked(rig.socket, "disk", style)) {
                try {
                    for (int k = 0; k < 200; k++) {
                        long offset = random.nextBoolean() ? random.nextInt(40 << 20) : random.nextLong();
                        long length = random.nextInt(5) > 0 ? random.nextInt(200_000) : random.nextInt();
                        int flags = random.nextInt(64);
                        nbd.send(flags, random.nextInt(10), k, offset, length);
                        if (random.nextInt(60) == 0) {
                            nbd.out.write(pattern(random.nextInt(5000), k));
                        }
                    }
                    nbd.out.flush();
                } catch (IOException closed) {
                    // The server had enough.
                }
            }
        }
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            assertEquals(0, nbd.read(0, 512).error());
        }
    }

    @Test
    void aClosingServerFinishesWhatIsInFlightAndRefusesTheRest() throws Exception {
        try (ServerRig closing = new ServerRig()) {
            closing.disk.hold = true;
            try (RawNbd nbd = RawNbd.transmitting(closing.socket, "disk", NbdReplyStyle.STRUCTURED);
                    RawNbd idle = RawNbd.transmitting(closing.socket, "disk", NbdReplyStyle.SIMPLE);
                    RawNbd haggling = RawNbd.haggling(closing.socket)) {
                nbd.send(0, NbdCommand.READ.code(), 1, 0, 4096);
                while (closing.disk.heldCount() < 1) {
                    Thread.onSpinWait();
                }
                CompletableFuture<Void> closed = CompletableFuture.runAsync(closing.server::close);
                assertTrue(idle.isClosedByServer());
                int answer;
                do {
                    answer = haggling.option(NbdOption.INFO.code(), RawNbd.infoRequest("nothing"))
                            .get(0)
                            .type();
                } while (answer == RawNbd.ERR_UNKNOWN);
                assertEquals(RawNbd.ERR_SHUTDOWN, answer);
                assertEquals(
                        RawNbd.ERR_SHUTDOWN,
                        haggling.option(NbdOption.GO.code(), RawNbd.infoRequest("disk"))
                                .get(0)
                                .type());
                assertEquals(
                        RawNbd.ACK,
                        haggling.option(NbdOption.ABORT.code()).get(0).type());
                assertTrue(haggling.isClosedByServer());
                // The idle one is closed, so ours has been told as well or will be before it reads this.
                int error;
                do {
                    closing.disk.hold = false;
                    nbd.send(0, NbdCommand.CACHE.code(), 2, 0, 512);
                    error = nbd.reply(2, 0).error();
                    closing.disk.hold = true;
                } while (error == 0);
                assertEquals(108, error);
                assertFalse(closed.isDone());
                closing.disk.letGo();
                assertEquals(0, nbd.reply(1, 4096).error());
                assertTrue(nbd.isClosedByServer());
                closed.join();
                assertThrows(IOException.class, () -> RawNbd.connect(closing.socket));
            }
            closing.assertEverythingIsBack();
        }
    }

    @Test
    void theSocketIsForItsOwnerAloneAndTheFileOfADeadDaemonIsReplaced() throws Exception {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(rig.socket)));
        assertThrows(IOException.class, () -> rig.server.listenUnix(rig.socket));
        Path stale = rig.directory.resolve("stale");
        try (var dead = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            dead.bind(java.net.UnixDomainSocketAddress.of(stale));
        }
        rig.server.listenUnix(stale, PosixFilePermissions.fromString("rw-rw----"));
        assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(stale)));
        try (RawNbd nbd = RawNbd.transmitting(stale, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, nbd.read(0, 512).error());
        }
        Path file = Files.createFile(rig.directory.resolve("file"));
        assertThrows(IOException.class, () -> rig.server.listenUnix(file));
        Files.delete(file);
        rig.server.close();
        assertFalse(Files.exists(stale));
    }

    @Test
    void tcpIsServedOnThePortThatTheSystemChose() throws Exception {
        InetSocketAddress bound = rig.server.listenTcp(new InetSocketAddress("127.0.0.1", 0));
        try (var socket = new java.net.Socket(bound.getAddress(), bound.getPort())) {
            assertEquals('N', socket.getInputStream().read());
        }
        assertThrows(IOException.class, () -> rig.server.listenTcp(bound));
    }
}

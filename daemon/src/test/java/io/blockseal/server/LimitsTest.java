package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.RequestKind;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import io.blockseal.nbd.NbdTransmissionFlags;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What our server does with requests at and beyond its limits; after each test everything has been given back. */
@Timeout(60)
class LimitsTest {
    private static final int EPERM = 1;
    private static final int EIO = 5;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int EOVERFLOW = 75;

    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        rig.closeWithEverythingBack();
    }

    private RawNbd transmitting(String export, NbdReplyStyle style) throws Exception {
        return RawNbd.withAllocationIfChunked(rig.socket, export, style);
    }

    private static byte[] pattern(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Nested
    class InTheHandshake {
        @ParameterizedTest
        @ValueSource(ints = {65537, 0x7fff_ffff, -1})
        void anOptionOverTheLimitClosesTheConnection(int length) throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                nbd.sendOptionHeader(NbdOption.LIST.code(), length);
                assertTrue(nbd.isClosedByServer());
                assertEquals(1, rig.refusals.countOf(CutOff.HANDSHAKE_SIZE));
            }
        }

        @Test
        void anOptionAtTheLimitIsAnswered() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                assertEquals(
                        RawNbd.ERR_INVALID,
                        nbd.option(NbdOption.LIST.code(), new byte[65536])
                                .get(0)
                                .type());
                assertEquals(
                        RawNbd.ERR_UNSUP, nbd.option(99, new byte[65536]).get(0).type());
            }
        }

        @Test
        void haggleForeverAndBeCutOff() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                int answered = 0;
                try {
                    while (answered < 5000) {
                        nbd.option(99);
                        answered++;
                    }
                } catch (java.io.IOException closed) {
                    // That is what the test waits for.
                }
                assertEquals(1024, answered);
                assertEquals(1, rig.refusals.countOf(CutOff.HANDSHAKE_SIZE));
            }
        }

        @Test
        void optionBytesInAllAreBounded() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                for (int i = 0; i < 16; i++) {
                    nbd.option(99, new byte[65536]);
                }
                nbd.sendOptionHeader(99, 1);
                assertTrue(nbd.isClosedByServer());
                assertEquals(1, rig.refusals.countOf(CutOff.HANDSHAKE_SIZE));
            }
        }

        @Test
        void badOptionMagicClosesTheConnection() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                nbd.out.write(new byte[16]);
                nbd.out.flush();
                assertTrue(nbd.isClosedByServer());
            }
        }

        @Test
        void nothingBeforeGoTouchesADevice() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                nbd.option(NbdOption.LIST.code());
                nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest("disk", 0, 1, 2, 3));
                nbd.option(NbdOption.SET_META_CONTEXT.code(), RawNbd.metaQuery("disk", "base:allocation"));
                assertEquals(0, rig.disk.channelsOpened.get());
                nbd.go("disk");
                assertEquals(1, rig.disk.channelsOpened.get());
            }
        }

        @Test
        void allExportsAreListedWithTheirDescriptions() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                List<RawNbd.OptionReply> replies = nbd.option(NbdOption.LIST.code());
                assertEquals(5, replies.size());
                assertEquals("disk" + "thirty-two MiB", replies.get(1).text().substring(4));
            }
        }

        @ParameterizedTest
        @ValueSource(ints = {0, 1, 2, 3})
        void exportNameOpensWithAndWithoutZeroes(int clientFlags) throws Exception {
            try (RawNbd nbd = RawNbd.connect(rig.socket)) {
                nbd.greet(clientFlags);
                nbd.sendOption(NbdOption.EXPORT_NAME.code(), "disk".getBytes(java.nio.charset.StandardCharsets.UTF_8));
                assertEquals(ServerRig.DISK_BYTES, nbd.in.readLong());
                assertTrue((nbd.in.readUnsignedShort() & NbdTransmissionFlags.HAS_FLAGS) != 0);
                if ((clientFlags & 2) == 0) {
                    assertArrayEquals(new byte[124], nbd.in.readNBytes(124));
                }
                assertEquals(0, nbd.write(0, 0, pattern(512, 1)).error());
                assertArrayEquals(pattern(512, 1), nbd.read(0, 512).data());
            }
        }

        @Test
        void exportNameOfNothingClosesTheConnection() throws Exception {
            for (String name : List.of("nothing", "", "disk\0", "x".repeat(4097))) {
                try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                    nbd.sendOption(
                            NbdOption.EXPORT_NAME.code(), name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
                    assertTrue(nbd.isClosedByServer());
                }
            }
        }

        @Test
        void errorTextsRepeatNothingOfTheClients() throws Exception {
            byte[] name = {'z', 'q', 'j', (byte) 0xc3, 0x28, (byte) 0xff};
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                for (byte[] asked : List.of(name, "zqj".getBytes(java.nio.charset.StandardCharsets.UTF_8))) {
                    RawNbd.OptionReply reply = nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(asked))
                            .get(0);
                    assertTrue(reply.isError());
                    assertFalse(reply.text().isEmpty());
                    assertFalse(reply.text().contains("zqj"));
                }
            }
        }

        @Test
        void nonFixedNewstyleKnowsOnlyExportName() throws Exception {
            try (RawNbd nbd = RawNbd.connect(rig.socket)) {
                nbd.greet(0);
                nbd.sendOption(NbdOption.LIST.code());
                assertTrue(nbd.isClosedByServer());
            }
        }

        @Test
        void requestsRightBehindGoAreServed() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                byte[] go = RawNbd.infoRequest("disk");
                nbd.out.writeLong(io.blockseal.nbd.NbdMagic.OPTION);
                nbd.out.writeInt(NbdOption.GO.code());
                nbd.out.writeInt(go.length);
                nbd.out.write(go);
                nbd.send(0, NbdCommand.WRITE.code(), 5, 4096, 1000, pattern(1000, 5));
                nbd.optionReplies();
                assertEquals(0, nbd.reply(5, 0).error());
                assertArrayEquals(pattern(1000, 5), nbd.read(4096, 1000).data());
            }
        }

        @Test
        void aContextBelongsToTheExportItWasSelectedFor() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                nbd.option(NbdOption.SET_META_CONTEXT.code(), RawNbd.metaQuery("big", "base:allocation"));
                nbd.go("disk");
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, 512).error());
            }
        }

        @Test
        void contextsNeedStructuredRepliesFirst() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
                byte[] query = RawNbd.metaQuery("disk", "base:allocation");
                assertEquals(
                        RawNbd.ERR_INVALID,
                        nbd.option(NbdOption.SET_META_CONTEXT.code(), query)
                                .get(0)
                                .type());
            }
        }
    }

    @Nested
    class OfRequests {
        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void aReadOverTheLimitIsRefusedAndTheConnectionGoesOn(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("big", style)) {
                int error = nbd.ask(0, NbdCommand.READ, 0, (32 << 20) + 1).error();
                assertEquals(style.isChunked() ? EOVERFLOW : EINVAL, error);
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void aWriteOverTheLimitIsSwallowedAndRefused(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("big", style)) {
                assertEquals(
                        EINVAL, nbd.write(0, 0, new byte[(32 << 20) + 4096]).error());
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void aWriteFarOverTheLimitClosesTheConnection(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("big", style)) {
                nbd.send(style == NbdReplyStyle.EXTENDED ? 32 : 0, NbdCommand.WRITE.code(), 1, 0, (64 << 20) + 1);
                assertTrue(nbd.isClosedByServer());
                assertEquals(1, rig.refusals.countOf(CutOff.PAYLOAD_SIZE));
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void badMagicClosesTheConnection(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("disk", style)) {
                nbd.out.write(new byte[32]);
                nbd.out.flush();
                assertTrue(nbd.isClosedByServer());
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void unknownCommandsAndFlagsAreRefused(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("disk", style)) {
                for (int type : new int[] {8, 9, 200, 0xffff}) {
                    nbd.send(0, type, type, 0, 4096);
                    assertEquals(EINVAL, nbd.reply(type, 0).error());
                }
                for (int flags : new int[] {2, 8, 16, 64, 0x8000}) {
                    assertEquals(EINVAL, nbd.ask(flags, NbdCommand.READ, 0, 512).error());
                    assertEquals(EINVAL, nbd.write(flags, 0, new byte[512]).error());
                }
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.FLUSH, 0, 512).error());
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.FLUSH, 512, 0).error());
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        @Test
        void aPayloadThatNobodyAskedForIsSwallowed() throws Exception {
            try (RawNbd nbd = transmitting("disk", NbdReplyStyle.EXTENDED)) {
                for (int type : new int[] {0, 2, 3, 4, 5, 6, 7, 8, 77}) {
                    nbd.send(32, type, type, 0, 5000, new byte[5000]);
                    assertEquals(EINVAL, nbd.reply(type, 0).error());
                }
                // A WRITE without the payload flag has no payload.
                nbd.send(0, NbdCommand.WRITE.code(), 9, 0, 512);
                assertEquals(EINVAL, nbd.reply(9, 0).error());
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void aReadOnlyExportRefusesEveryChange(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("readonly", style)) {
                assertTrue((nbd.transmissionFlags & NbdTransmissionFlags.READ_ONLY) != 0);
                assertEquals(EPERM, nbd.write(0, 0, new byte[100_000]).error());
                assertEquals(EPERM, nbd.ask(0, NbdCommand.TRIM, 0, 512).error());
                assertEquals(EPERM, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 512).error());
                assertEquals(0, nbd.read(0, 512).error());
                assertEquals(0, nbd.ask(0, NbdCommand.FLUSH, 0, 0).error());
            }
        }

        @Test
        void whatIsNotOfferedIsRefused() throws Exception {
            try (RawNbd nbd = transmitting("plain", NbdReplyStyle.STRUCTURED)) {
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.TRIM, 0, 512).error());
                assertEquals(
                        EINVAL, nbd.ask(16, NbdCommand.WRITE_ZEROES, 0, 512).error());
                for (int flags : new int[] {0, 2}) {
                    assertEquals(
                            0,
                            nbd.ask(flags, NbdCommand.WRITE_ZEROES, 0, 512).error(),
                            "NO_HOLE comes with the command");
                }
            }
        }

        /** A device that serves whole blocks of 512 bytes only; ours serve any byte. */
        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void whatIsNotAlignedIsRefusedAndChangesNothing(NbdReplyStyle style) throws Exception {
            MemoryDevice blocks = new MemoryDevice(new Geometry(1 << 20, 512, 4096, false, true, true, true));
            rig.export("blocks", blocks, false);
            try (RawNbd nbd = transmitting("blocks", style)) {
                byte[] data = pattern(4096, 6);
                assertEquals(0, nbd.write(0, 4096, data).error());
                for (int[] part : new int[][] {{4097, 512}, {4096, 511}, {4608, 1}, {5000, 24}}) {
                    assertEquals(
                            EINVAL, nbd.write(0, part[0], new byte[part[1]]).error());
                    for (NbdCommand command :
                            List.of(NbdCommand.READ, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES, NbdCommand.CACHE)) {
                        assertEquals(
                                EINVAL, nbd.ask(0, command, part[0], part[1]).error());
                    }
                    assertEquals(
                            EINVAL,
                            nbd.ask(0, NbdCommand.BLOCK_STATUS, part[0], part[1])
                                    .error());
                }
                assertArrayEquals(data, nbd.read(4096, 4096).data());
                if (style == NbdReplyStyle.STRUCTURED) {
                    ByteBuffer status = ByteBuffer.wrap(nbd.ask(0, NbdCommand.BLOCK_STATUS, 512, 16384)
                            .chunks()
                            .get(0)
                            .payload());
                    for (int at = 4; at < status.capacity(); at += 8) {
                        assertEquals(0, status.getInt(at) % 512);
                    }
                }
            }
        }

        @Test
        void zeroesOfFourGigabytesArePassedOnWhole() throws Exception {
            try (RawNbd nbd = transmitting("big", NbdReplyStyle.STRUCTURED)) {
                nbd.write(0, 5 << 20, pattern(1 << 20, 4));
                assertEquals(
                        0, nbd.ask(0, NbdCommand.WRITE_ZEROES, 1, 0xffff_ffffL).error());
                assertArrayEquals(new byte[1 << 20], nbd.read(5 << 20, 1 << 20).data());
            }
        }

        @Test
        void extendedLengthsReachOverTheWholeDevice() throws Exception {
            try (RawNbd nbd = transmitting("big", NbdReplyStyle.EXTENDED)) {
                assertEquals(
                        0,
                        nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, ServerRig.BIG_BYTES)
                                .error());
                assertEquals(
                        0,
                        nbd.ask(0, NbdCommand.TRIM, 512, ServerRig.BIG_BYTES - 512)
                                .error());
                assertEquals(ENOSPC, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, -1).error());
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.TRIM, 1, -1).error());
                RawNbd.Reply status = nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, ServerRig.BIG_BYTES);
                RawNbd.Chunk chunk = status.chunks().get(0);
                assertEquals(NbdReplyType.BLOCK_STATUS_EXT, chunk.type());
                ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
                assertEquals(1, payload.getInt(4));
                assertEquals(ServerRig.BIG_BYTES, payload.getLong(8));
                assertEquals(3, payload.getLong(16));
            }
        }

        @Test
        void blockStatusOfFourGigabytesIsClipped() throws Exception {
            try (RawNbd nbd = transmitting("big", NbdReplyStyle.STRUCTURED)) {
                ByteBuffer payload = ByteBuffer.wrap(nbd.ask(0, NbdCommand.BLOCK_STATUS, 7, 0xffff_ffffL)
                        .chunks()
                        .get(0)
                        .payload());
                assertEquals(12, payload.capacity());
                assertEquals(0xffff_ffffL, payload.getInt(4) & 0xffff_ffffL);
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void oddOffsetsAndLengthsComeBackAsWritten(NbdReplyStyle style) throws Exception {
            long seed = 4711;
            Random random = new Random(seed);
            byte[] model = new byte[(int) ServerRig.DISK_BYTES];
            try (RawNbd nbd = transmitting("disk", style)) {
                for (int i = 0; i < 60; i++) {
                    int length = 1 + random.nextInt(i % 5 == 0 ? 6 << 20 : 100_000);
                    int offset = random.nextInt(model.length - length);
                    if (random.nextBoolean()) {
                        byte[] data = pattern(length, i);
                        System.arraycopy(data, 0, model, offset, length);
                        assertEquals(0, nbd.write(0, offset, data).error());
                    } else {
                        byte[] back = new byte[length];
                        for (RawNbd.Chunk chunk : nbd.ask(
                                        random.nextBoolean() && style.isChunked() ? 4 : 0,
                                        NbdCommand.READ,
                                        offset,
                                        length)
                                .chunks()) {
                            place(chunk, offset, back);
                        }
                        assertArrayEquals(
                                Arrays.copyOfRange(model, offset, offset + length),
                                back,
                                "seed " + seed + " step " + i);
                    }
                }
            }
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void everyPartComesBackFromADeviceThatHasThemAllAtOnce(NbdReplyStyle style) throws Exception {
            // Four parts each, and operations that never had more than one before.
            int offset = 512;
            byte[] data = pattern(3 << 20, 8);
            try (RawNbd nbd = transmitting("disk", style)) {
                rig.disk.hold = true;
                int payload = style == NbdReplyStyle.EXTENDED ? 32 : 0;
                nbd.send(payload, NbdCommand.WRITE.code(), 1, offset, data.length, data);
                awaitHeld(4);
                rig.disk.letGo();
                assertEquals(0, nbd.reply(1, 0).error());
                rig.disk.hold = true;
                nbd.send(0, NbdCommand.READ.code(), 2, offset, data.length);
                awaitHeld(4);
                rig.disk.letGo();
                RawNbd.Reply read = nbd.reply(2, data.length);
                assertEquals(0, read.error());
                byte[] back = new byte[data.length];
                for (RawNbd.Chunk chunk : read.chunks()) {
                    place(chunk, offset, back);
                }
                assertArrayEquals(data, back);
            }
        }

        private void awaitHeld(int count) {
            while (rig.disk.heldCount() < count) {
                Thread.onSpinWait();
            }
        }

        private void place(RawNbd.Chunk chunk, int offset, byte[] back) {
            if (chunk.simple()) {
                System.arraycopy(chunk.payload(), 0, back, 0, back.length);
            } else {
                int at = (int) (ByteBuffer.wrap(chunk.payload()).getLong() - offset);
                System.arraycopy(chunk.payload(), 8, back, at, chunk.payload().length - 8);
            }
        }
    }

    @Nested
    class WhenTheDeviceFails {
        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void theErrorGoesToTheRequestAndTheConnectionGoesOn(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = transmitting("disk", style)) {
                rig.disk.failAt = 5 << 20;
                for (Errno errno : List.of(Errno.EIO, Errno.ENOSPC)) {
                    rig.disk.failWith = errno;
                    for (boolean later : new boolean[] {false, true}) {
                        rig.disk.later = later;
                        assertEquals(errno.wireValue(), nbd.read(0, 10 << 20).error());
                        assertEquals(
                                errno.wireValue(),
                                nbd.write(0, 4096, new byte[10 << 20]).error());
                        assertEquals(errno.wireValue(), nbd.read(5 << 20, 512).error());
                        assertEquals(0, nbd.read(0, 512).error());
                    }
                }
            }
        }

        @Test
        void errorsThatTheSpecificationDoesNotWantAreNotSent() throws Exception {
            try (RawNbd nbd = transmitting("disk", NbdReplyStyle.STRUCTURED)) {
                rig.disk.failWith = Errno.ENOMEM;
                assertEquals(EIO, nbd.read(0, 512).error());
                rig.disk.failWith = Errno.ENOTSUP;
                assertEquals(EIO, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 512).error());
                assertEquals(95, nbd.ask(16, NbdCommand.WRITE_ZEROES, 0, 512).error());
            }
        }
    }

    @Nested
    class OfConnections {
        @Test
        void flushOnOneConnectionReachesTheDeviceAfterWritesAnsweredOnAnother() throws Exception {
            rig.disk.later = true;
            try (RawNbd one = transmitting("disk", NbdReplyStyle.SIMPLE);
                    RawNbd two = transmitting("disk", NbdReplyStyle.SIMPLE)) {
                assertEquals(0, one.write(0, 0, pattern(4096, 1)).error());
                assertEquals(0, rig.disk.flushes.get());
                assertEquals(0, two.ask(0, NbdCommand.FLUSH, 0, 0).error());
                assertEquals(1, rig.disk.flushes.get());
                assertEquals(0, one.write(1, 0, pattern(4096, 2)).error());
                assertEquals(2, rig.disk.flushes.get());
            }
        }

        @Test
        void repliesOvertakeEachOther() throws Exception {
            try (RawNbd nbd = transmitting("disk", NbdReplyStyle.SIMPLE)) {
                rig.disk.hold = true;
                nbd.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
                while (rig.disk.heldCount() == 0) {
                    Thread.onSpinWait();
                }
                rig.disk.hold = false;
                assertEquals(0, nbd.ask(0, NbdCommand.READ, 0, 512).error());
                rig.disk.letGo();
                assertEquals(0, nbd.reply(1, 0).error());
            }
        }

        @Test
        void aVanishedClientsRequestsRunToTheirEnd() throws Exception {
            rig.disk.hold = true;
            try (RawNbd nbd = transmitting("disk", NbdReplyStyle.STRUCTURED)) {
                for (int i = 0; i < 10; i++) {
                    nbd.send(0, NbdCommand.READ.code(), i, 0, 65536);
                    nbd.send(0, NbdCommand.WRITE.code(), i, 0, 65536, new byte[65536]);
                }
                // Half a payload on top.
                nbd.send(0, NbdCommand.WRITE.code(), 99, 0, 1 << 20, new byte[100]);
                while (rig.disk.heldCount() < 20) {
                    Thread.onSpinWait();
                }
            }
            rig.disk.letGo();
        }

        @Test
        void metricsCountWhatWasAnswered() throws Exception {
            try (RawNbd nbd = transmitting("disk", NbdReplyStyle.STRUCTURED)) {
                nbd.read(0, 4096);
                nbd.read(0, 8192);
                nbd.read(nbd.size, 1);
                nbd.write(0, 0, new byte[512]);
            }
            rig.assertEverythingIsBack();
            long requests = 0;
            long errors = 0;
            long bytes = 0;
            long writes = 0;
            for (int i = 0; i < ServerRig.LOOPS; i++) {
                requests += rig.metrics.recorder(i).requests(RequestKind.READ);
                errors += rig.metrics.recorder(i).errors(RequestKind.READ);
                bytes += rig.metrics.recorder(i).bytes(RequestKind.READ);
                writes += rig.metrics.recorder(i).requests(RequestKind.WRITE);
            }
            assertEquals(List.of(3L, 1L, 12288L, 1L), List.of(requests, errors, bytes, writes));
        }

        @Test
        void timeIsLimitedForTheHandshakeAlone() throws Exception {
            try (ServerRig impatient = new ServerRig(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(200));
                    RawNbd idle = RawNbd.transmitting(impatient.socket, "disk", NbdReplyStyle.SIMPLE)) {
                // Two later handshakes run out of time one after the other; the idle client is older than both.
                for (int i = 0; i < 2; i++) {
                    try (RawNbd half = RawNbd.haggling(impatient.socket)) {
                        half.sendOptionHeader(7, 100);
                        assertTrue(half.isClosedByServer());
                    }
                }
                assertEquals(0, idle.read(0, 512).error());
                assertEquals(2, impatient.refusals.countOf(CutOff.HANDSHAKE_TIME));
            }
        }

        @Test
        void moreThanTheLimitAreClosedAtOnceAndTheirPlacesAreFreeAgain() throws Exception {
            try (ServerRig small = new ServerRig(ServerOptions.DEFAULT.withConnectionsMax(3))) {
                for (int round = 0; round < 3; round++) {
                    List<RawNbd> open = new ArrayList<>();
                    for (int i = 0; i < 3; i++) {
                        open.add(RawNbd.transmitting(small.socket, "disk", NbdReplyStyle.SIMPLE));
                    }
                    try (RawNbd fourth = RawNbd.connect(small.socket)) {
                        assertTrue(fourth.isClosedByServer());
                    }
                    for (RawNbd nbd : open) {
                        assertEquals(0, nbd.read(0, 512).error());
                        nbd.close();
                    }
                    small.assertEverythingIsBack();
                }
            }
        }
    }

    @Test
    void theOnlyExportIsTheDefaultOne() throws Exception {
        for (String name : List.of("readonly", "plain", "big")) {
            rig.exports.remove(name);
        }
        try (RawNbd nbd = transmitting("", NbdReplyStyle.SIMPLE)) {
            assertEquals(ServerRig.DISK_BYTES, nbd.size);
            assertFalse((nbd.transmissionFlags & NbdTransmissionFlags.READ_ONLY) != 0);
        }
    }
}

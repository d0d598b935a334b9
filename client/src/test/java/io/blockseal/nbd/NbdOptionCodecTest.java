package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdOptionCodecTest {
    private static final String IHAVEOPT = "49484156454f5054";
    private final ByteBuf out = Unpooled.buffer();

    @Nested
    class Headers {
        @Test
        void optionLengthIsUnsigned() {
            NbdDecoded<NbdOptionHeader> header =
                    NbdOptionHeader.decode(Bytes.of("00" + IHAVEOPT + "00000003 ffffffff"), 1);
            assertEquals(new NbdOptionHeader(3, 0xffffffffL), header.value());
        }

        @Test
        void wrongMagicIsSaid() {
            NbdDecoded<NbdOptionHeader> header =
                    NbdOptionHeader.decode(Bytes.of("49484156454f5055 00000003 00000000"), 0);
            assertEquals("an option does not begin with IHAVEOPT", header.problem());
            assertThrows(IllegalStateException.class, header::value);
        }

        @Test
        void replyHeader() {
            NbdDecoded<NbdOptionReplyHeader> header =
                    NbdOptionReplyHeader.decode(Bytes.of("0003e889045565a9 00000007 80000006 ffffffff"), 0);
            assertEquals(new NbdOptionReplyHeader(7, NbdOptionReply.ERR_UNKNOWN.code(), 0xffffffffL), header.value());
            assertFalse(NbdOptionReplyHeader.decode(Bytes.of("1003e889045565a9 00000007 80000006 00000000"), 0)
                    .isValid());
        }
    }

    @Nested
    class InfoAndGo {
        private static final String GO = "00000004 64697363 0003 0000 0003 7777";

        private NbdDecoded<NbdInfoRequest> decode(String hexFields) {
            ByteBuf payload = Bytes.of("aabb" + Bytes.plain(hexFields));
            return NbdInfoRequest.decode(payload, 2, payload.readableBytes() - 2);
        }

        @Test
        void decodesAndPassesOverUnknownKinds() {
            NbdInfoRequest request = decode(GO).value();
            assertEquals("disc", request.exportName());
            assertEquals(Set.of(NbdInfo.EXPORT, NbdInfo.BLOCK_SIZE), request.infos());
        }

        @Test
        void encodesTheGoldenBytes() {
            new NbdInfoRequest("disc", Set.of(NbdInfo.EXPORT, NbdInfo.BLOCK_SIZE)).encode(out, NbdOption.GO);
            assertEquals(Bytes.plain(IHAVEOPT + "00000007 0000000e 00000004 64697363 0002 0000 0003"), Bytes.hex(out));
        }

        @Test
        void anEmptyNameMeansTheDefaultExport() {
            assertEquals(
                    new NbdInfoRequest("", Set.of()), decode("00000000 0000").value());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "00000000 00",
                    "00000001 0000",
                    "ffffffff 0000",
                    "80000000 0000",
                    "00000004 64697363 00",
                    "00000004 64697363 0001",
                    "00000004 64697363 0001 00",
                    "00000004 64697363 0000 00",
                    "00000004 64697363 ffff 0000",
                    "00000003 64697363 0000"
                })
        void lengthsThatDoNotFitAreRefused(String hexFields) {
            assertFalse(decode(hexFields).isValid());
        }

        @ParameterizedTest
        @ValueSource(strings = {"64006363", "ff697363", "c0806363", "eda08063"})
        void namesThatAreNoStringsAreRefused(String name) {
            assertTrue(decode("00000004" + name + "0000").problem().startsWith("export name: "));
        }

        @Test
        void aNameOf4096BytesIsLegalAndOneMoreIsNot() {
            String name = "n".repeat(4096);
            assertEquals(
                    name,
                    decode("00001000" + Bytes.hexOf(name) + "0000").value().exportName());
            assertFalse(decode("00001001" + Bytes.hexOf(name + "n") + "0000").isValid());
        }
    }

    @Nested
    class MetaContexts {
        private NbdDecoded<NbdMetaContextRequest> decode(String hexFields) {
            ByteBuf payload = Bytes.of("aabb" + Bytes.plain(hexFields));
            return NbdMetaContextRequest.decode(payload, 2, payload.readableBytes() - 2);
        }

        @Test
        void encodesTheGoldenBytesAndDecodesThem() {
            NbdMetaContextRequest request = new NbdMetaContextRequest("d", List.of("base:", "x-y:z"));
            request.encode(out, NbdOption.SET_META_CONTEXT);
            String payload = "00000001 64 00000002 00000005" + Bytes.hexOf("base:") + "00000005" + Bytes.hexOf("x-y:z");
            assertEquals(Bytes.plain(IHAVEOPT + "0000000a 0000001b" + payload), Bytes.hex(out));
            assertEquals(request, decode(payload).value());
        }

        @Test
        void noQueriesAndEmptyQueriesAreWellFormed() {
            assertEquals(
                    new NbdMetaContextRequest("", List.of()),
                    decode("00000000 00000000").value());
            assertEquals(
                    new NbdMetaContextRequest("", List.of("", "")),
                    decode("00000000 00000002 00000000 00000000").value());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "00000000 000000",
                    "00000001 00000000",
                    "ffffffff 00000000",
                    "00000000 00000001",
                    "00000000 ffffffff",
                    "00000000 40000000 00000000",
                    "00000000 00000001 00000001",
                    "00000000 00000001 ffffffff 61",
                    "00000000 00000002 00000004 61616161",
                    "00000000 00000002 00000003 616161 00",
                    "00000000 00000000 00",
                    "00000000 00000001 00000001 00",
                    "00000000 00000001 00000001 ff"
                })
        void whatDoesNotFitIsRefused(String hexFields) {
            assertFalse(decode(hexFields).isValid());
        }
    }

    @Nested
    class Replies {
        private static final String REPLY = "0003e889045565a9";

        @Test
        void acknowledgementAndErrorRepeatTheOptionAsSent() {
            NbdOptionReplyWriter.ack(out, 0xdeadbeef);
            NbdOptionReplyWriter.error(out, 7, NbdOptionReply.ERR_UNKNOWN, "no");
            assertEquals(
                    Bytes.plain(REPLY + "deadbeef 00000001 00000000" + REPLY + "00000007 80000006 00000002 6e6f"),
                    Bytes.hex(out));
            assertThrows(
                    IllegalArgumentException.class, () -> NbdOptionReplyWriter.error(out, 7, NbdOptionReply.ACK, "no"));
        }

        @Test
        void greetingAndExportName() {
            NbdOptionReplyWriter.greeting(out, NbdHandshakeFlags.FIXED_NEWSTYLE | NbdHandshakeFlags.NO_ZEROES);
            assertEquals(Bytes.plain("4e42444d41474943" + IHAVEOPT + "0003"), Bytes.hex(out));
            out.clear();
            NbdOptionReplyWriter.exportNameReply(out, -1, 0x0fff, true);
            assertEquals("ffffffffffffffff0fff" + "00".repeat(124), Bytes.hex(out));
            out.clear();
            NbdOptionReplyWriter.exportNameReply(out, 4096, 1, false);
            assertEquals(Bytes.plain("0000000000001000 0001"), Bytes.hex(out));
            out.clear();
            NbdOptionWriter.exportName(out, "d");
            assertEquals(Bytes.plain(IHAVEOPT + "00000001 00000001 64"), Bytes.hex(out));
        }

        @Test
        void informationComesBackAsItWasSent() {
            NbdBlockSizes sizes = new NbdBlockSizes(512, 4096, NbdLimits.MAX_UNSIGNED_32);
            NbdOptionReplyWriter.infoExport(out, 7, 1L << 63, 0xffff);
            NbdOptionReplyWriter.infoName(out, 7, "disc");
            NbdOptionReplyWriter.infoDescription(out, 7, "Übung");
            NbdOptionReplyWriter.infoBlockSize(out, 7, sizes);
            assertEquals(
                    Bytes.plain(REPLY + "00000007 00000003 0000000c 0000 8000000000000000 ffff"),
                    Bytes.hex(out, 0, 32));
            NbdExportDescription export = new NbdExportDescription();
            assertFalse(export.isDescribed());
            while (out.isReadable()) {
                NbdOptionReplyHeader header =
                        NbdOptionReplyHeader.decode(out, out.readerIndex()).value();
                assertEquals(NbdOptionReply.INFO.code(), header.type());
                out.skipBytes(20);
                assertEquals("", export.decodeInfo(out, out.readerIndex(), (int) header.length()));
                out.skipBytes((int) header.length());
            }
            assertTrue(export.isDescribed());
            assertEquals(1L << 63, export.sizeBytes());
            assertEquals(0xffff, export.transmissionFlags());
            assertEquals("disc", export.canonicalName());
            assertEquals("Übung", export.description());
            assertEquals(sizes, export.blockSizes());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "00",
                    "0000 0000000000001000 00",
                    "0000 0000000000001000 0001 00",
                    "0001 ff",
                    "0002 00",
                    "0003 00000001 00001000",
                    "0003 00000003 00001000 02000000",
                    "0003 00000000 00001000 02000000",
                    "0003 00020000 00020000 02000000",
                    "0003 00000001 00000100 02000000",
                    "0003 00001000 00000200 02000000",
                    "0003 00000001 80000000 ffffffff",
                    "0003 00000001 00001000 00000fff"
                })
        void impossibleInformationIsSaid(String hexFields) {
            ByteBuf payload = Bytes.of(hexFields);
            assertFalse(new NbdExportDescription()
                    .decodeInfo(payload, 0, payload.readableBytes())
                    .isEmpty());
        }

        @Test
        void unknownInformationIsPassedOver() {
            assertEquals("", new NbdExportDescription().decodeInfo(Bytes.of("1234 ff"), 0, 3));
        }

        @Test
        void listingEntries() {
            NbdOptionReplyWriter.server(out, 3, "disc", "a disc");
            NbdOptionReplyWriter.server(out, 3, "", null);
            assertEquals(
                    new NbdServerEntry("disc", "a disc"),
                    NbdServerEntry.decode(out, 20, 14).value());
            assertEquals(
                    new NbdServerEntry("", ""),
                    NbdServerEntry.decode(out, 54, 4).value());
            assertFalse(NbdServerEntry.decode(Bytes.of("000000"), 0, 3).isValid());
            assertFalse(NbdServerEntry.decode(Bytes.of("00000001"), 0, 4).isValid());
            assertFalse(NbdServerEntry.decode(Bytes.of("ffffffff 61"), 0, 5).isValid());
            assertFalse(NbdServerEntry.decode(Bytes.of("00000001 00"), 0, 5).isValid());
            assertFalse(NbdServerEntry.decode(Bytes.of("00000000 ff"), 0, 5).isValid());
        }

        @Test
        void metaContexts() {
            NbdOptionReplyWriter.metaContext(out, 10, -1, NbdAllocation.CONTEXT);
            assertEquals(
                    new NbdMetaContext(-1, "base:allocation"),
                    NbdMetaContext.decode(out, 20, out.readableBytes() - 20).value());
            assertFalse(NbdMetaContext.decode(Bytes.of("000000"), 0, 3).isValid());
            assertFalse(NbdMetaContext.decode(Bytes.of("00000000 00"), 0, 5).isValid());
        }
    }

    /** A decoder that throws would cost the server a connection, or worse, for bytes that anybody can send. */
    @Test
    void noBytesMakeADecoderThrow() {
        long seed = Long.getLong("nbd.seed", 20260101L);
        System.out.println("nbd.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 200_000; round++) {
            byte[] bytes = new byte[random.nextInt(40)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(4));
            }
            ByteBuf payload = Unpooled.wrappedBuffer(bytes);
            NbdInfoRequest.decode(payload, 0, bytes.length).isValid();
            NbdMetaContextRequest.decode(payload, 0, bytes.length).isValid();
            NbdServerEntry.decode(payload, 0, bytes.length).isValid();
            NbdMetaContext.decode(payload, 0, bytes.length).isValid();
            new NbdExportDescription().decodeInfo(payload, 0, bytes.length);
            assertEquals(0, payload.readerIndex());
        }
    }
}

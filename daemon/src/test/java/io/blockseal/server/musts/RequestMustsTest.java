package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.Reply;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Request headers: what is none, what nobody knows, what lies beyond the end; and payloads that nobody wanted. */
@AgainstAllPeers
class RequestMustsTest extends NbdMusts {
    private Reply request(RawNbd nbd, int flags, int type, long offset, long length, byte[]... payload)
            throws IOException {
        nbd.send(flags, type, 42, offset, length, payload);
        Reply reply = nbd.reply(42, 0);
        ReplyRules.check(nbd.style, offset, reply);
        return reply;
    }

    @EachStyle
    @Section("Request message")
    void whatDoesNotBeginLikeARequestIsNotTakenForOne(NbdReplyStyle style) throws Exception {
        boolean extended = style == NbdReplyStyle.EXTENDED;
        for (int magic : new int[] {0, 0x12560953, extended ? NbdMagic.REQUEST : NbdMagic.EXTENDED_REQUEST}) {
            try (RawNbd nbd = transmitting(style)) {
                nbd.out.writeInt(magic);
                // A READ of 512 bytes, of either layout.
                nbd.out.writeInt(0);
                nbd.out.writeLong(1);
                nbd.out.writeLong(0);
                nbd.out.writeInt(512);
                nbd.out.writeInt(512);
                nbd.out.flush();
                assertTrue(nbd.isClosedByServer());
            }
        }
    }

    @EachStyle
    @Section("Error values")
    void unknownCommandsAreInvalid(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            for (int type : new int[] {8, 9, 200, 0xffff}) {
                assertEquals(EINVAL, request(nbd, 0, type, 4096, 512).error(), "command " + type);
            }
            assertInStep(nbd);
        }
    }

    @EachStyle
    @Section("Error values")
    void flagsThatACommandDoesNotHaveAreInvalid(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            int unknown = 1 << 12;
            for (int flags : new int[] {NO_HOLE, REQ_ONE, FAST_ZERO, unknown, 0x8000}) {
                assertEquals(EINVAL, ask(nbd, flags, NbdCommand.READ, 0, 512).error(), "READ " + flags);
                assertEquals(EINVAL, write(nbd, flags, 0, new byte[512]), "WRITE " + flags);
                assertEquals(EINVAL, ask(nbd, flags, NbdCommand.TRIM, 0, 512).error(), "TRIM " + flags);
            }
            for (int flags : new int[] {DF, REQ_ONE, unknown}) {
                assertEquals(
                        EINVAL, ask(nbd, flags, NbdCommand.WRITE_ZEROES, 0, 512).error());
                assertEquals(EINVAL, ask(nbd, flags, NbdCommand.FLUSH, 0, 0).error());
            }
            for (int flags : new int[] {DF, NO_HOLE, FAST_ZERO, unknown}) {
                if (style.isChunked()) {
                    assertEquals(
                            EINVAL,
                            ask(nbd, flags, NbdCommand.BLOCK_STATUS, 0, 512).error());
                }
            }
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Transmission flags")
    void whatIsNotOfferedIsInvalid() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            assertEquals(EINVAL, ask(nbd, DF, NbdCommand.READ, 0, 512).error());
            assertEquals(EINVAL, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error());
            assertInStep(nbd);
        }
    }

    @EachStyle
    @Section("Transmission flags")
    void whatIsOfferedWorks(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            int offered = nbd.transmissionFlags;
            assertEquals(0, write(nbd, (offered & NbdTransmissionFlags.SEND_FUA) != 0 ? FUA : 0, 0, new byte[512]));
            if (offers(nbd, NbdTransmissionFlags.SEND_FLUSH)) {
                assertEquals(0, ask(nbd, 0, NbdCommand.FLUSH, 0, 0).error());
            }
            if (offers(nbd, NbdTransmissionFlags.SEND_TRIM)) {
                assertEquals(0, ask(nbd, 0, NbdCommand.TRIM, 0, 8192).error());
            }
            if (offers(nbd, NbdTransmissionFlags.SEND_WRITE_ZEROES)) {
                assertEquals(0, ask(nbd, 0, NbdCommand.WRITE_ZEROES, 0, 8192).error());
                assertEquals(
                        0, ask(nbd, NO_HOLE, NbdCommand.WRITE_ZEROES, 0, 8192).error());
            }
            if (offers(nbd, NbdTransmissionFlags.SEND_FAST_ZERO)) {
                int error =
                        ask(nbd, FAST_ZERO, NbdCommand.WRITE_ZEROES, 0, 8192).error();
                assertTrue(error == 0 || error == ENOTSUP, "error " + error);
            }
            if (offers(nbd, NbdTransmissionFlags.SEND_DF)) {
                assertEquals(0, ask(nbd, DF, NbdCommand.READ, 0, 8192).error());
            }
            assertInStep(nbd);
        }
    }

    @EachStyle
    @Section("NBD_CMD_WRITE")
    void thePayloadOfARefusedWriteIsSwallowed(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            for (int length : new int[] {2, 4096, 1 << 20}) {
                assertNotEquals(0, write(nbd, 0, nbd.size - 1, new byte[length]));
            }
            byte[] data = pattern(4096, 10);
            assertEquals(0, write(nbd, 0, 8192, data));
            assertArrayEquals(data, read(nbd, 8192, 4096));
        }
    }

    @Test
    @Section("Command flags")
    void aCompactRequestHasNoFlagForItsPayload() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            assertEquals(EINVAL, write(nbd, PAYLOAD_LEN, 0, new byte[512]));
            assertEquals(EINVAL, ask(nbd, PAYLOAD_LEN, NbdCommand.READ, 0, 512).error());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Request message")
    void aPayloadWhereNoneBelongsIsSwallowedAndInvalid() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.EXTENDED)) {
            for (int type : new int[] {0, 3, 4, 5, 6, 8, 77}) {
                for (int length : new int[] {1, 5000, 1 << 20}) {
                    assertEquals(
                            EINVAL,
                            request(nbd, PAYLOAD_LEN, type, 0, length, new byte[length])
                                    .error(),
                            "command " + type);
                }
            }
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Command flags")
    void anExtendedWriteSaysThatItHasAPayload() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.EXTENDED)) {
            // Without the flag there is none behind the header, so the next header is.
            assertEquals(
                    EINVAL, request(nbd, 0, NbdCommand.WRITE.code(), 0, 512).error());
            assertInStep(nbd);
        }
    }

    @EachStyle
    @Section("Error values")
    void whatLiesBeyondTheEndIsRefusedWithTheErrorOfItsKind(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            long[] offsets = {nbd.size, nbd.size - 511, 1L << 62, Long.MIN_VALUE, -512, -1};
            for (long offset : offsets) {
                assertEquals(ENOSPC, write(nbd, 0, offset, new byte[512]));
                assertEquals(
                        ENOSPC,
                        ask(nbd, 0, NbdCommand.WRITE_ZEROES, offset, 512).error());
                assertEquals(EINVAL, ask(nbd, 0, NbdCommand.READ, offset, 512).error());
                assertEquals(EINVAL, ask(nbd, 0, NbdCommand.TRIM, offset, 512).error());
                if (offers(nbd, NbdTransmissionFlags.SEND_CACHE)) {
                    assertEquals(
                            EINVAL, ask(nbd, 0, NbdCommand.CACHE, offset, 512).error());
                }
                if (style.isChunked()) {
                    assertEquals(
                            EINVAL,
                            ask(nbd, 0, NbdCommand.BLOCK_STATUS, offset, 512).error());
                }
            }
            assertEquals(
                    ENOSPC,
                    ask(nbd, 0, NbdCommand.WRITE_ZEROES, 0, 0x8000_0000L).error());
            assertEquals(EINVAL, ask(nbd, 0, NbdCommand.TRIM, 512, 0xffff_ffffL).error());
            if (style == NbdReplyStyle.EXTENDED) {
                for (long length : new long[] {1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -512, -1}) {
                    assertEquals(
                            EINVAL, ask(nbd, 0, NbdCommand.READ, 512, length).error());
                    assertEquals(
                            EINVAL, ask(nbd, 0, NbdCommand.TRIM, 512, length).error());
                    assertEquals(
                            ENOSPC,
                            ask(nbd, 0, NbdCommand.WRITE_ZEROES, 512, length).error());
                    assertEquals(
                            EINVAL,
                            ask(nbd, 0, NbdCommand.BLOCK_STATUS, 512, length).error());
                }
            }
            assertEquals(0, ask(nbd, 0, NbdCommand.READ, nbd.size - 512, 512).error());
        }
    }

    @EachStyle
    @Section("Command flags")
    void fuaIsAcceptedOnEveryCommand(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            assertTrue(offers(nbd, NbdTransmissionFlags.SEND_FUA));
            assertEquals(0, write(nbd, FUA, 0, new byte[4096]));
            for (NbdCommand command : List.of(NbdCommand.READ, NbdCommand.WRITE_ZEROES)) {
                assertEquals(0, ask(nbd, FUA, command, 0, 4096).error(), command.name());
            }
            if (offers(nbd, NbdTransmissionFlags.SEND_TRIM)) {
                assertEquals(0, ask(nbd, FUA, NbdCommand.TRIM, 0, 4096).error());
            }
            if (style.isChunked()) {
                assertEquals(0, ask(nbd, FUA, NbdCommand.BLOCK_STATUS, 0, 4096).error());
            }
            assertEquals(0, ask(nbd, FUA, NbdCommand.FLUSH, 0, 0).error());
            if (offers(nbd, NbdTransmissionFlags.SEND_CACHE)) {
                assertEquals(0, ask(nbd, FUA, NbdCommand.CACHE, 0, 4096).error());
            }
            nbd.send(FUA, NbdCommand.DISC.code(), 9, 0, 0);
            assertTrue(nbd.isClosedByServer());
        }
    }

    @EachStyle
    @Section("Request types")
    void requestsOfNoLengthDoNoHarm(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            byte[] data = pattern(512, 19);
            assertEquals(0, write(nbd, 0, 0, data));
            Reply read = ask(nbd, 0, NbdCommand.READ, 0, 0);
            assertEquals(0, ReplyRules.contentChunks(read), "no chunk is empty");
            write(nbd, 0, 0, new byte[0]);
            ask(nbd, 0, NbdCommand.TRIM, 0, 0);
            ask(nbd, 0, NbdCommand.WRITE_ZEROES, 0, 0);
            ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 0);
            assertArrayEquals(data, read(nbd, 0, 512));
        }
    }

    /** Whatever comes of them, the replies are of the protocol's. */
    @EachStyle
    @Section("Error values")
    void randomHeadersAreAnsweredWithErrorsOfTheSpecification(NbdReplyStyle style) throws Exception {
        long seed = 27;
        Random random = new Random(seed);
        try (RawNbd nbd = withAllocation(style)) {
            for (int i = 0; i < 300; i++) {
                int type = random.nextInt(12);
                boolean hasPayload = type == NbdCommand.WRITE.code() || type == NbdCommand.DISC.code();
                long offset = random.nextBoolean() ? random.nextLong() : random.nextInt(32 << 20);
                long length = 1 + random.nextInt(1 << 16);
                int flags = random.nextInt(32);
                if (!hasPayload) {
                    nbd.send(flags, type, i, offset, length);
                    ReplyRules.check(style, offset, nbd.reply(i, type == NbdCommand.READ.code() ? length : 0));
                }
            }
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_CMD_BLOCK_STATUS")
    void aListOfContextsIsSwallowedAndInvalidWhereItIsNotOffered() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.EXTENDED)) {
            assertFalse(offers(nbd, NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD), "without a context to choose from");
            byte[] payload = RawNbd.bytes(data -> {
                data.writeLong(4096);
                data.writeInt(1);
            });
            int type = NbdCommand.BLOCK_STATUS.code();
            assertEquals(
                    EINVAL,
                    request(nbd, PAYLOAD_LEN, type, 0, payload.length, payload).error());
            assertInStep(nbd);
        }
    }
}

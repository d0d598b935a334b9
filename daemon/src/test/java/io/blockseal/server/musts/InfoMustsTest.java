package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.OptionReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** INFO and GO. */
@AgainstAllPeers
class InfoMustsTest extends NbdMusts {
    private static final int INFO_REPLY = 3;
    private static final int EXPORT = 0;
    private static final int NAME = 1;
    private static final int DESCRIPTION = 2;
    private static final int BLOCK_SIZE = 3;

    private List<OptionReply> info(RawNbd nbd, int... kinds) throws IOException {
        return nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(peer.exportName(), kinds));
    }

    private static int kind(OptionReply reply) {
        assertEquals(INFO_REPLY, reply.type());
        return ByteBuffer.wrap(reply.payload()).getShort();
    }

    @Test
    @Section("NBD_REP_INFO")
    void eachAnswerHasTheLayoutOfItsKindAndTheExportIsAlwaysAmongThem() throws Exception {
        try (RawNbd nbd = haggling()) {
            for (int[] kinds : new int[][] {{}, {EXPORT}, {BLOCK_SIZE}, {EXPORT, NAME, DESCRIPTION, BLOCK_SIZE}}) {
                List<OptionReply> replies = info(nbd, kinds);
                assertEquals(RawNbd.ACK, last(replies).type());
                List<Integer> found = new ArrayList<>();
                for (OptionReply reply : replies.subList(0, replies.size() - 1)) {
                    int length = reply.payload().length;
                    found.add(kind(reply));
                    switch (kind(reply)) {
                        case EXPORT -> assertEquals(12, length);
                        case NAME, DESCRIPTION ->
                            ReplyRules.assertGoodText(Arrays.copyOfRange(reply.payload(), 2, length));
                        case BLOCK_SIZE -> assertEquals(14, length);
                        default -> assertTrue(length >= 2);
                    }
                }
                assertTrue(found.contains(EXPORT), "kinds " + found);
                assertEquals(found.stream().distinct().toList(), found, "each once");
            }
        }
    }

    @Test
    @Section("NBD_OPT_INFO")
    void unknownKindsOfInformationAreIgnored() throws Exception {
        try (RawNbd nbd = haggling()) {
            for (int[] kinds : new int[][] {{4}, {0x7fff, NAME, 0xffff}, {0x8000, BLOCK_SIZE, 77, EXPORT}}) {
                List<OptionReply> replies = info(nbd, kinds);
                assertEquals(RawNbd.ACK, last(replies).type());
                assertTrue(replies.stream().anyMatch(reply -> reply.type() == INFO_REPLY && kind(reply) == EXPORT));
            }
            byte[] go = RawNbd.infoRequest(peer.exportName(), 4, 0x7fff, NAME, 0xffff);
            assertEquals(RawNbd.ACK, last(nbd.option(NbdOption.GO.code(), go)).type());
            assertInStep(nbd);
        }
    }

    /** It must not be; but whoever does it breaks nothing. */
    @Test
    @Section("NBD_OPT_INFO")
    void aKindThatIsAskedForTwiceHarmsNobody() throws Exception {
        try (RawNbd nbd = haggling()) {
            info(nbd, NAME, NAME, EXPORT, EXPORT, BLOCK_SIZE, BLOCK_SIZE);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_INFO")
    void goTellsWhatInfoTold() throws Exception {
        for (NbdReplyStyle style : NbdReplyStyle.values()) {
            if (!peer.speaks(style)) {
                continue;
            }
            try (RawNbd nbd = haggling(style)) {
                List<OptionReply> info = info(nbd, NAME, DESCRIPTION);
                List<OptionReply> go = nbd.go(peer.exportName());
                assertEquals(info.size(), go.size());
                for (int i = 0; i < go.size(); i++) {
                    assertEquals(info.get(i).type(), go.get(i).type());
                    assertArrayEquals(info.get(i).payload(), go.get(i).payload());
                }
                assertEquals(32 << 20, nbd.size);
                assertInStep(nbd);
            }
        }
    }

    @Test
    @Section("NBD_OPT_INFO")
    void nothingLiesBetweenTheLastAnswerAndTransmission() throws Exception {
        try (RawNbd nbd = RawNbd.connect(peer.address())) {
            // Without NO_ZEROES: the zeroes are EXPORT_NAME's alone.
            nbd.greet(1);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_INFO")
    void whatIsNotThereIsUnknownAndNothingIsToldOfIt() throws Exception {
        try (RawNbd nbd = haggling()) {
            for (NbdOption option : List.of(NbdOption.INFO, NbdOption.GO)) {
                assertEquals(
                        RawNbd.ERR_UNKNOWN,
                        only(nbd.option(option.code(), RawNbd.infoRequest("nothing", NAME, BLOCK_SIZE)))
                                .type());
            }
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_INFO")
    void lengthsThatDoNotFitAreRefusedAndTheStreamStaysInStep() throws Exception {
        byte[] good = RawNbd.infoRequest(peer.exportName(), NAME);
        byte[] nameTooLong = good.clone();
        ByteBuffer.wrap(nameTooLong).putInt(0, good.length);
        byte[] nameHuge = good.clone();
        ByteBuffer.wrap(nameHuge).putInt(0, -1);
        byte[] countTooLarge = good.clone();
        ByteBuffer.wrap(countTooLarge).putShort(good.length - 4, (short) 9);
        try (RawNbd nbd = haggling()) {
            for (byte[] bad : List.of(nameTooLong, nameHuge, countTooLarge, new byte[0], new byte[5])) {
                for (NbdOption option : List.of(NbdOption.INFO, NbdOption.GO)) {
                    assertInvalid(nbd.option(option.code(), bad));
                }
            }
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Conventions")
    void namesAreStringsOf4096BytesAtMost() throws Exception {
        byte[] longest = new byte[4096];
        Arrays.fill(longest, (byte) 'x');
        try (RawNbd nbd = haggling()) {
            assertEquals(
                    RawNbd.ERR_UNKNOWN,
                    last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(longest)))
                            .type());
            assertError(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(new byte[] {'d', (byte) 0xff})));
            assertError(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(peer.exportName() + "\0junk")));
            nbd.go(peer.exportName());
        }
        byte[] tooLong = Arrays.copyOf(longest, 4097);
        tooLong[4096] = 'x';
        try (RawNbd nbd = haggling()) {
            nbd.sendOption(NbdOption.INFO.code(), RawNbd.infoRequest(tooLong));
            boolean refused;
            try {
                refused = last(nbd.optionReplies()).isError();
            } catch (IOException closed) {
                refused = true;
            }
            assertTrue(refused);
        }
    }

    @EachStyle
    @Section("Transmission flags")
    void transmissionFlagsFitEachOtherAndWhatWasAgreedOn(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            assertTrue(offers(nbd, NbdTransmissionFlags.HAS_FLAGS));
            assertEquals(style.isChunked(), offers(nbd, NbdTransmissionFlags.SEND_DF));
            if (!offers(nbd, NbdTransmissionFlags.SEND_WRITE_ZEROES)) {
                assertFalse(offers(nbd, NbdTransmissionFlags.SEND_FAST_ZERO));
            }
            if (style != NbdReplyStyle.EXTENDED) {
                assertFalse(offers(nbd, NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD));
            }
            assertFalse(offers(nbd, NbdTransmissionFlags.READ_ONLY));
        }
    }

    @Test
    @Section("Size constraints")
    void blockSizesArePowersOfTwoInTheirOrder() throws Exception {
        try (RawNbd nbd = haggling()) {
            List<OptionReply> replies = info(nbd, BLOCK_SIZE);
            OptionReply sizes = replies.stream()
                    .filter(reply -> reply.type() == INFO_REPLY && kind(reply) == BLOCK_SIZE)
                    .findFirst()
                    .orElseThrow();
            ByteBuffer payload = ByteBuffer.wrap(sizes.payload());
            long minimum = Integer.toUnsignedLong(payload.getInt(2));
            long preferred = Integer.toUnsignedLong(payload.getInt(6));
            long maximum = Integer.toUnsignedLong(payload.getInt(10));
            assertEquals(1, Long.bitCount(minimum), "minimum " + minimum);
            assertTrue(minimum <= 65536);
            assertEquals(1, Long.bitCount(preferred), "preferred " + preferred);
            assertTrue(preferred >= Math.max(minimum, 512));
            assertTrue(maximum >= preferred, "maximum " + maximum);
            assertNotEquals(0, maximum);
        }
    }
}

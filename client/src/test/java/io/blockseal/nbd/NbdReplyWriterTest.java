package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class NbdReplyWriterTest {
    private static final long COOKIE = 0x0123456789abcdefL;
    private static final String C = "0123456789abcdef";
    private static final int AT = 3;
    private static final byte[] OOPS = NbdString.encode("oops");

    private final ByteBuf out = Unpooled.buffer(128, 128).setZero(0, 128);

    private void wrote(String hexFields, int length) {
        assertEquals(Bytes.plain(hexFields), Bytes.hex(out, AT, length));
        assertEquals(0, out.getMedium(0), "nothing before the index is touched");
        assertEquals(0, out.getByte(AT + length), "nothing behind the reply is touched");
        assertEquals(0, out.writerIndex());
    }

    @Test
    void simpleReply() {
        wrote("67446698 0000001c" + C, NbdReplyWriter.simpleReply(out, AT, NbdError.ENOSPC.code(), COOKIE));
    }

    @Nested
    class Structured {
        private static final NbdReplyStyle STYLE = NbdReplyStyle.STRUCTURED;

        @Test
        void none() {
            wrote("668e33ef 0001 0000" + C + "00000000", NbdReplyWriter.none(STYLE, out, AT, COOKIE, 77));
        }

        @Test
        void dataHeader() {
            wrote(
                    "668e33ef 0001 0001" + C + "00001008 8000000000000200",
                    NbdReplyWriter.offsetData(
                            STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 77, 0x8000000000000200L, 4096));
        }

        @Test
        void holeOfTheLargestLength() {
            wrote(
                    "668e33ef 0000 0002" + C + "0000000c 0000000000000200 ffffffff",
                    NbdReplyWriter.offsetHole(STYLE, out, AT, NbdReplyFlags.NONE, COOKIE, 77, 512, 0xffffffffL));
        }

        @Test
        void errorWithText() {
            wrote(
                    "668e33ef 0001 8001" + C + "0000000a 00000016 0004" + Bytes.hexOf("oops"),
                    NbdReplyWriter.error(STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 77, 22, OOPS));
        }

        @Test
        void errorWithoutText() {
            wrote(
                    "668e33ef 0001 8001" + C + "00000006 00000005 0000",
                    NbdReplyWriter.error(STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 77, 5, new byte[0]));
        }

        @Test
        void errorWithItsPlace() {
            wrote(
                    "668e33ef 0000 8002" + C + "00000012 00000005 0004" + Bytes.hexOf("oops") + "ffffffffffffff00",
                    NbdReplyWriter.errorOffset(STYLE, out, AT, NbdReplyFlags.NONE, COOKIE, 77, 5, OOPS, -256));
        }

        @Test
        void blockStatus() {
            int length = NbdReplyWriter.blockStatus(STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 77, 9, 2);
            length += NbdReplyWriter.extent(
                    STYLE, out, AT + length, 0xfffff000L, NbdAllocation.HOLE | NbdAllocation.ZERO);
            length += NbdReplyWriter.extent(STYLE, out, AT + length, 4096, NbdAllocation.DATA);
            wrote("668e33ef 0001 0005" + C + "00000014 00000009 fffff000 00000003 00001000 00000000", length);
        }
    }

    @Nested
    class Extended {
        private static final NbdReplyStyle STYLE = NbdReplyStyle.EXTENDED;

        @Test
        void none() {
            wrote(
                    "6e8a278c 0001 0000" + C + "8000000000000000 0000000000000000",
                    NbdReplyWriter.none(STYLE, out, AT, COOKIE, Long.MIN_VALUE));
        }

        @Test
        void dataHeaderRepeatsTheOffsetOfTheRequest() {
            wrote(
                    "6e8a278c 0000 0001" + C + "0000000000000100 0000000000000208 0000000000000200",
                    NbdReplyWriter.offsetData(STYLE, out, AT, NbdReplyFlags.NONE, COOKIE, 256, 512, 512));
        }

        @Test
        void blockStatusCountsItsExtents() {
            int length = NbdReplyWriter.blockStatus(STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 0, 9, 1);
            length += NbdReplyWriter.extent(STYLE, out, AT + length, 1L << 40, 3);
            wrote(
                    "6e8a278c 0001 0006" + C + "0000000000000000 0000000000000018 00000009 00000001"
                            + "0000010000000000 0000000000000003",
                    length);
        }

        @Test
        void error() {
            wrote(
                    "6e8a278c 0001 8001" + C + "0000000000000100 0000000000000006 0000006c 0000",
                    NbdReplyWriter.error(STYLE, out, AT, NbdReplyFlags.DONE, COOKIE, 256, 108, new byte[0]));
        }
    }

    @Test
    void aSimpleStyleHasNoChunks() {
        assertThrows(
                IllegalArgumentException.class, () -> NbdReplyWriter.none(NbdReplyStyle.SIMPLE, out, AT, COOKIE, 0));
    }

    @Test
    void headerLengthsAreThoseOfTheSpecification() {
        assertEquals(28, NbdReplyStyle.SIMPLE.requestHeaderBytes());
        assertEquals(28, NbdReplyStyle.STRUCTURED.requestHeaderBytes());
        assertEquals(32, NbdReplyStyle.EXTENDED.requestHeaderBytes());
        assertEquals(16, NbdReplyStyle.SIMPLE.replyHeaderBytes());
        assertEquals(20, NbdReplyStyle.STRUCTURED.replyHeaderBytes());
        assertEquals(32, NbdReplyStyle.EXTENDED.replyHeaderBytes());
    }
}

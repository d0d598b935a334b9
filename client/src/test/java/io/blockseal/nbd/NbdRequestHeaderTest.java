package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class NbdRequestHeaderTest {
    private static final String COMPACT = "25609513 0003 0006 0123456789abcdef 8000000000001000 ffffffff";
    private static final String EXTENDED = "21e41c71 0020 0001 fedcba9876543210 ffffffffffffffff 8000000000000001";

    private final NbdRequestHeader header = new NbdRequestHeader();

    @Nested
    class Compact {
        @Test
        void decodesEveryFieldUnsigned() {
            assertTrue(header.decodeCompact(Bytes.of(COMPACT), 0));
            checkFields();
        }

        @Test
        void decodesTheSameFromAnNioBuffer() {
            ByteBuffer nio = ByteBuffer.allocateDirect(40);
            nio.position(7);
            nio.put(Bytes.of(COMPACT).nioBuffer());
            assertTrue(header.decodeCompact(nio, 7));
            checkFields();
            assertEquals(35, nio.position(), "decoding moves no index");
        }

        private void checkFields() {
            assertEquals(NbdCommandFlags.FUA | NbdCommandFlags.NO_HOLE, header.flags());
            assertEquals(NbdCommand.WRITE_ZEROES.code(), header.type());
            assertEquals(0x0123456789abcdefL, header.cookie());
            assertEquals(0x8000000000001000L, header.offset());
            assertEquals(0xffffffffL, header.length());
        }

        @Test
        void decodesAtAnIndexAndLeavesTheBufferAlone() {
            ByteBuf shifted = Unpooled.buffer().writeZero(5).writeBytes(Bytes.of(COMPACT));
            assertTrue(header.decodeCompact(shifted, 5));
            assertEquals(0x0123456789abcdefL, header.cookie());
            assertEquals(0, shifted.readerIndex());
        }

        @Test
        void refusesOtherMagicNumbers() {
            assertFalse(header.decodeCompact(Bytes.of(EXTENDED), 0));
            assertFalse(header.decodeCompact(Bytes.of(COMPACT.replace("25609513", "12560953")), 0));
        }

        @Test
        void typeAndFlagsOfAllOnesStayPositive() {
            assertTrue(header.decodeCompact(Bytes.of(COMPACT.replace("0003 0006", "ffff ffff")), 0));
            assertEquals(0xffff, header.flags());
            assertEquals(0xffff, header.type());
        }
    }

    @Nested
    class Extended {
        @Test
        void decodesEveryFieldUnsigned() {
            assertTrue(header.decodeExtended(Bytes.of(EXTENDED), 0));
            assertEquals(NbdCommandFlags.PAYLOAD_LEN, header.flags());
            assertEquals(NbdCommand.WRITE.code(), header.type());
            assertEquals(0xfedcba9876543210L, header.cookie());
            assertEquals(-1L, header.offset());
            assertEquals(0x8000000000000001L, header.length());
            assertEquals("WRITE flags=32 offset=18446744073709551615 length=9223372036854775809", header.toString());
        }

        @Test
        void decodesTheSameFromAnNioBuffer() {
            assertTrue(header.decodeExtended(Bytes.of(EXTENDED).nioBuffer(), 0));
            assertEquals(0x8000000000000001L, header.length());
        }

        @Test
        void refusesCompactRequests() {
            assertFalse(header.decodeExtended(Bytes.of(COMPACT + "00000000"), 0));
        }
    }

    @Nested
    class Encoding {
        @Test
        void writesTheGoldenBytes() {
            ByteBuf out = Unpooled.buffer(64);
            assertEquals(
                    28,
                    NbdRequestHeader.encode(
                            NbdReplyStyle.STRUCTURED,
                            out,
                            3,
                            3,
                            6,
                            0x0123456789abcdefL,
                            0x8000000000001000L,
                            0xffffffffL));
            assertEquals(Bytes.plain(COMPACT), Bytes.hex(out, 3, 28));
            assertEquals(
                    32,
                    NbdRequestHeader.encode(
                            NbdReplyStyle.EXTENDED, out, 1, 32, 1, 0xfedcba9876543210L, -1, 0x8000000000000001L));
            assertEquals(Bytes.plain(EXTENDED), Bytes.hex(out, 1, 32));
        }

        @Test
        void neverCutsALengthOffSilently() {
            ByteBuf out = Unpooled.buffer(64);
            for (long length : new long[] {0x100000000L, Long.MIN_VALUE, -1}) {
                assertThrows(
                        IllegalArgumentException.class,
                        () -> NbdRequestHeader.encode(NbdReplyStyle.SIMPLE, out, 0, 0, 0, 0, 0, length));
            }
        }
    }

    /** A signed comparison here would let a client read beyond the export. */
    @Test
    void boundsAreComparedUnsignedAndWithoutOverflow() {
        assertTrue(NbdRequestHeader.isWithin(0, 0, 0));
        assertTrue(NbdRequestHeader.isWithin(0, 4096, 4096));
        assertTrue(NbdRequestHeader.isWithin(4096, 0, 4096));
        assertTrue(NbdRequestHeader.isWithin(4095, 1, 4096));
        assertFalse(NbdRequestHeader.isWithin(4096, 1, 4096));
        assertFalse(NbdRequestHeader.isWithin(4095, 2, 4096));
        assertFalse(NbdRequestHeader.isWithin(1, 0xffffffffL, 4096));
        assertFalse(NbdRequestHeader.isWithin(Long.MIN_VALUE, 1, Long.MAX_VALUE));
        assertFalse(NbdRequestHeader.isWithin(-1, 1, 4096));
        assertFalse(NbdRequestHeader.isWithin(-1, 2, -1));
        assertFalse(NbdRequestHeader.isWithin(1, -1, Long.MAX_VALUE));
        assertFalse(NbdRequestHeader.isWithin(-512, 1024, Long.MAX_VALUE));
        assertTrue(NbdRequestHeader.isWithin(Long.MIN_VALUE, 1, -1));
    }
}

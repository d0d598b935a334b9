package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One wrong number here and no peer would understand us; they are compared with doc/proto.md one by one. */
class NbdNumbersTest {

    @Test
    void magicNumbersSpellWhatTheSpecificationSays() {
        assertEquals("NBDMAGIC", ascii(NbdMagic.GREETING));
        assertEquals("IHAVEOPT", ascii(NbdMagic.OPTION));
        assertEquals("00420281861253", String.format("%014x", NbdMagic.OLDSTYLE));
        assertEquals("3e889045565a9", Long.toHexString(NbdMagic.OPTION_REPLY));
        assertEquals("25609513", Integer.toHexString(NbdMagic.REQUEST));
        assertEquals("67446698", Integer.toHexString(NbdMagic.SIMPLE_REPLY));
        assertEquals("668e33ef", Integer.toHexString(NbdMagic.STRUCTURED_REPLY));
        assertEquals("21e41c71", Integer.toHexString(NbdMagic.EXTENDED_REQUEST));
        assertEquals("6e8a278c", Integer.toHexString(NbdMagic.EXTENDED_REPLY));
    }

    private static String ascii(long magic) {
        return new String(ByteBuffer.allocate(8).putLong(magic).array(), StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @CsvSource({
        "1,EXPORT_NAME",
        "2,ABORT",
        "3,LIST",
        "4,PEEK_EXPORT",
        "5,STARTTLS",
        "6,INFO",
        "7,GO",
        "8,STRUCTURED_REPLY",
        "9,LIST_META_CONTEXT",
        "10,SET_META_CONTEXT",
        "11,EXTENDED_HEADERS"
    })
    void optionsKeepTheirNumbers(int code, NbdOption option) {
        assertEquals(code, option.code());
        assertEquals(option, NbdOption.of(code));
    }

    @ParameterizedTest
    @CsvSource({
        "1,ACK",
        "2,SERVER",
        "3,INFO",
        "4,META_CONTEXT",
        "2147483649,ERR_UNSUP",
        "2147483650,ERR_POLICY",
        "2147483651,ERR_INVALID",
        "2147483652,ERR_PLATFORM",
        "2147483653,ERR_TLS_REQD",
        "2147483654,ERR_UNKNOWN",
        "2147483655,ERR_SHUTDOWN",
        "2147483656,ERR_BLOCK_SIZE_REQD",
        "2147483657,ERR_TOO_BIG",
        "2147483658,ERR_EXT_HEADER_REQD"
    })
    void optionRepliesKeepTheirNumbers(long code, NbdOptionReply reply) {
        assertEquals(code, Integer.toUnsignedLong(reply.code()));
        assertEquals(reply, NbdOptionReply.of((int) code));
        assertEquals(reply.name().startsWith("ERR_"), reply.isError());
    }

    @ParameterizedTest
    @CsvSource({
        "0,READ",
        "1,WRITE",
        "2,DISC",
        "3,FLUSH",
        "4,TRIM",
        "5,CACHE",
        "6,WRITE_ZEROES",
        "7,BLOCK_STATUS",
        "8,RESIZE"
    })
    void commandsKeepTheirNumbers(int code, NbdCommand command) {
        assertEquals(code, command.code());
        assertEquals(command, NbdCommand.of(code));
    }

    @ParameterizedTest
    @CsvSource({"0,EXPORT", "1,NAME", "2,DESCRIPTION", "3,BLOCK_SIZE"})
    void informationKeepsItsNumbers(int code, NbdInfo info) {
        assertEquals(code, info.code());
        assertEquals(info, NbdInfo.of(code));
    }

    @ParameterizedTest
    @CsvSource({
        "0,OK",
        "1,EPERM",
        "5,EIO",
        "12,ENOMEM",
        "22,EINVAL",
        "28,ENOSPC",
        "75,EOVERFLOW",
        "95,ENOTSUP",
        "108,ESHUTDOWN"
    })
    void errorsKeepTheirNumbers(int code, NbdError error) {
        assertEquals(code, error.code());
        assertEquals(error, NbdError.of(code));
    }

    @Test
    void flagsKeepTheirBits() {
        assertEquals(0b11, NbdClientFlags.ALL);
        assertEquals(1, NbdHandshakeFlags.FIXED_NEWSTYLE);
        assertEquals(2, NbdHandshakeFlags.NO_ZEROES);
        int[] transmission = {
            NbdTransmissionFlags.HAS_FLAGS,
            NbdTransmissionFlags.READ_ONLY,
            NbdTransmissionFlags.SEND_FLUSH,
            NbdTransmissionFlags.SEND_FUA,
            NbdTransmissionFlags.ROTATIONAL,
            NbdTransmissionFlags.SEND_TRIM,
            NbdTransmissionFlags.SEND_WRITE_ZEROES,
            NbdTransmissionFlags.SEND_DF,
            NbdTransmissionFlags.CAN_MULTI_CONN,
            NbdTransmissionFlags.SEND_RESIZE,
            NbdTransmissionFlags.SEND_CACHE,
            NbdTransmissionFlags.SEND_FAST_ZERO,
            NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD
        };
        int[] command = {
            NbdCommandFlags.FUA,
            NbdCommandFlags.NO_HOLE,
            NbdCommandFlags.DF,
            NbdCommandFlags.REQ_ONE,
            NbdCommandFlags.FAST_ZERO,
            NbdCommandFlags.PAYLOAD_LEN
        };
        for (int bit = 0; bit < transmission.length; bit++) {
            assertEquals(1 << bit, transmission[bit]);
        }
        for (int bit = 0; bit < command.length; bit++) {
            assertEquals(1 << bit, command[bit]);
        }
        assertEquals(0x8001, NbdReplyType.ERROR);
        assertEquals(0x8002, NbdReplyType.ERROR_OFFSET);
        assertEquals(5, NbdReplyType.BLOCK_STATUS);
        assertEquals(6, NbdReplyType.BLOCK_STATUS_EXT);
    }

    @Test
    void everyDocumentedCommandTakesFua() {
        for (NbdCommand command : NbdCommand.values()) {
            assertTrue((command.documentedFlags() & NbdCommandFlags.FUA) != 0, command.name());
        }
    }

    @Test
    void unknownNumbersAreNotGuessed() {
        for (int code : new int[] {-1, 12, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertNull(NbdOption.of(code));
            assertNull(NbdOptionReply.of(code));
            assertNull(NbdCommand.of(code));
            assertNull(NbdInfo.of(code));
        }
        assertNull(NbdOption.of(0));
        assertNull(NbdInfo.of(4));
        assertNull(NbdCommand.of(9));
        assertEquals(NbdError.EINVAL, NbdError.of(4711));
        assertTrue(NbdOptionReply.isError(0xffffffff));
        assertFalse(NbdOptionReply.isError(5));
        assertTrue(NbdReplyType.isError(0x8abc));
    }
}

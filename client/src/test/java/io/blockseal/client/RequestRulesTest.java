package io.blockseal.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestRulesTest {
    private static final int ALL = 0x1fff & ~NbdTransmissionFlags.READ_ONLY;
    private static final NbdBlockSizes SIZES = new NbdBlockSizes(512, 4096, 1_000_000);

    private static RequestRules rules(NbdReplyStyle style, int flags, boolean strict) {
        List<NbdMetaContext> contexts = List.of(new NbdMetaContext(1, "base:allocation"));
        return new RequestRules(new NbdSession(style, 1 << 20, flags, SIZES, "", "", contexts), strict);
    }

    @Test
    void theLargestRequestIsAWholeNumberOfBlocks() {
        RequestRules compact = rules(NbdReplyStyle.STRUCTURED, ALL, true);
        assertEquals(999_936, compact.largestLength(NbdCommand.READ));
        assertEquals(0xfffff000L, compact.largestLength(NbdCommand.TRIM));
        assertEquals(Long.MAX_VALUE, rules(NbdReplyStyle.EXTENDED, ALL, true).largestLength(NbdCommand.WRITE_ZEROES));
    }

    @ParameterizedTest
    @CsvSource({
        "READ,0,0,0",
        "READ,0,1,512",
        "READ,0,0,511",
        "READ,0,1048576,512",
        "READ,0,-512,1024",
        "WRITE,0,512,1048576",
        "TRIM,0,0,-512",
        "READ,2,0,512",
        "FLUSH,8,0,0",
        "WRITE,32,0,512",
        "BLOCK_STATUS,0,0,2097152"
    })
    void whatTheProtocolForbidsIsNotSent(NbdCommand command, int flags, long offset, long length) {
        assertFalse(rules(NbdReplyStyle.STRUCTURED, ALL, true)
                .problem(command, flags, offset, length)
                .isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"FLUSH,0", "TRIM,0", "CACHE,0", "WRITE_ZEROES,0", "WRITE,1", "READ,4"})
    void whatWasNotOfferedIsNotSent(NbdCommand command, int flags) {
        assertEquals("", rules(NbdReplyStyle.STRUCTURED, ALL, true).problem(command, flags, 0, 512));
        assertFalse(rules(NbdReplyStyle.STRUCTURED, NbdTransmissionFlags.HAS_FLAGS, true)
                .problem(command, flags, 0, 512)
                .isEmpty());
    }

    @Test
    void aReadOnlyExportIsNotWritten() {
        RequestRules readOnly = rules(NbdReplyStyle.SIMPLE, ALL | NbdTransmissionFlags.READ_ONLY, true);
        assertEquals("the export is read-only", readOnly.problem(NbdCommand.WRITE, 0, 0, 512));
        assertEquals("", readOnly.problem(NbdCommand.READ, 0, 0, 512));
    }

    @Test
    void withoutStrictnessEverythingButTheHeadersOwnFlagGoes() {
        RequestRules loose = rules(NbdReplyStyle.SIMPLE, NbdTransmissionFlags.HAS_FLAGS, false);
        assertEquals("", loose.problem(NbdCommand.WRITE, 0, -1, 3));
        assertFalse(loose.problem(NbdCommand.WRITE, NbdCommandFlags.PAYLOAD_LEN, 0, 512)
                .isEmpty());
    }
}

package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first bytes of both sides, and EXPORT_NAME, which is as old. */
@AgainstAllPeers
class GreetingMustsTest extends NbdMusts {
    private static final int FIXED_NEWSTYLE = 1;
    private static final int NO_ZEROES = 2;

    @Test
    @Section("Handshake flags")
    void saysThatItIsFixedNewstyleAndNothingUnknown() throws Exception {
        try (RawNbd nbd = RawNbd.connect(peer.address())) {
            assertEquals(NbdMagic.GREETING, nbd.in.readLong());
            assertEquals(NbdMagic.OPTION, nbd.in.readLong());
            int flags = nbd.in.readUnsignedShort();
            assertNotEquals(0, flags & FIXED_NEWSTYLE);
            assertEquals(0, flags & ~(FIXED_NEWSTYLE | NO_ZEROES));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 3 | 1 << 9, FIXED_NEWSTYLE | 1 << 31})
    @Section("Client flags")
    void unknownFlagsOfTheClientCloseTheConnection(int flags) throws Exception {
        try (RawNbd nbd = RawNbd.connect(peer.address())) {
            nbd.greet(flags);
            assertTrue(nbd.isClosedByServer());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, FIXED_NEWSTYLE, NO_ZEROES, FIXED_NEWSTYLE | NO_ZEROES})
    @Section("Newstyle negotiation")
    void exportNameIsFollowedByZeroesUnlessBothSidesWantNone(int flags) throws Exception {
        try (RawNbd nbd = RawNbd.connect(peer.address())) {
            nbd.greet(flags);
            nbd.sendOption(NbdOption.EXPORT_NAME.code(), peer.exportName().getBytes(StandardCharsets.UTF_8));
            long size = nbd.in.readLong();
            int transmissionFlags = nbd.in.readUnsignedShort();
            assertNotEquals(0, transmissionFlags & NbdTransmissionFlags.HAS_FLAGS);
            if ((flags & NO_ZEROES) == 0) {
                assertArrayEquals(new byte[124], nbd.in.readNBytes(124));
            }
            assertInStep(nbd);
            try (RawNbd other = transmitting(NbdReplyStyle.SIMPLE)) {
                assertEquals(other.size, size);
                assertEquals(other.transmissionFlags, transmissionFlags, "the same as after GO");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"no such export", "di", "diskk", "disk\0"})
    @Section("NBD_OPT_EXPORT_NAME")
    void exportNameOfWhatIsNotThereEndsTheSession(String name) throws Exception {
        try (RawNbd nbd = haggling()) {
            nbd.sendOption(NbdOption.EXPORT_NAME.code(), name.getBytes(StandardCharsets.UTF_8));
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @Section("Termination of the session during option haggling")
    void whatIsNotAnOptionIsNotTakenForOne() throws Exception {
        try (RawNbd nbd = haggling()) {
            nbd.out.writeLong(NbdMagic.OPTION + 1);
            nbd.out.writeInt(NbdOption.LIST.code());
            nbd.out.writeInt(0);
            nbd.out.flush();
            assertTrue(nbd.isClosedByServer());
        }
    }
}

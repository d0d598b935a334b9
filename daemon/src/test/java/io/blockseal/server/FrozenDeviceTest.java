package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests to a device that would only let them wait stay with their clients, and hold nothing that others need. */
@Timeout(60)
class FrozenDeviceTest {
    private static final int BYTES = 256 << 10;

    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        rig.disk.frozen = true;
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        rig.assertEverythingIsBack();
        rig.close();
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void write(RawNbd nbd, int count) {
        try {
            for (int i = 0; i < count; i++) {
                nbd.send(0, NbdCommand.WRITE.code(), i, (long) i * BYTES, BYTES, filled(i + 1));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All loops have looked at all sockets since, as each serves somebody who came later. */
    private void letLoopsLook() throws Exception {
        for (int i = 0; i < 4 * ServerRig.LOOPS; i++) {
            try (RawNbd other = RawNbd.transmitting(rig.socket, "plain", NbdReplyStyle.SIMPLE)) {
                assertEquals(0, other.read(0, 512).error());
            }
        }
    }

    @Test
    void beginsNothingAndHoldsNoBufferUntilTheThaw() throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> write(nbd, 64));
            letLoopsLook();
            assertEquals(0, rig.disk.submits.get());
            while (rig.buffersLeased() > 0) {
                // The last reply to somebody else may still be on its way.
                Thread.onSpinWait();
            }
            rig.disk.thaw();
            // The streams of one channel do not read while they write.
            sent.join();
            for (int i = 0; i < 64; i++) {
                assertEquals(0, nbd.reply(i, 0).error());
            }
            assertArrayEquals(filled(64), nbd.read(63L * BYTES, BYTES).data());
        }
    }

    @Test
    void letsAClientSayGoodBye() throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            nbd.send(0, NbdCommand.DISC.code(), 1, 0, 0);
            assertTrue(nbd.isClosedByServer());
        }
        assertEquals(0, rig.disk.submits.get());
    }

    @Test
    void forgetsWhatAClientThatIsGoneHadAskedFor() throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            nbd.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            letLoopsLook();
        }
        rig.assertEverythingIsBack();
        rig.disk.thaw();
        assertEquals(0, rig.disk.submits.get());
    }

    @Test
    void doesNothingForAClientThatIsGoneHoweverMuchItHadSent() throws Exception {
        CompletableFuture<Void> sent;
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            sent = CompletableFuture.runAsync(() -> write(nbd, 64));
            letLoopsLook();
        }
        assertThrows(CompletionException.class, sent::join);
        rig.assertEverythingIsBack();
        rig.disk.thaw();
        assertEquals(0, rig.disk.submits.get());
    }

    @Test
    void tellsTheDeviceWhoseRequestsNobodyWaitsForAnyMore() throws Exception {
        rig.disk.frozen = false;
        rig.disk.hold = true;
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            nbd.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            while (rig.disk.heldCount() < 1) {
                Thread.onSpinWait();
            }
            rig.disk.frozen = true;
        }
        while (rig.disk.abandoned.get() < 1) {
            Thread.onSpinWait();
        }
        rig.disk.letGo();
    }

    @Test
    void isNoReasonToKeepAServerFromClosingAndEverythingReceivedIsRefused() throws Exception {
        try (ServerRig closing = new ServerRig()) {
            closing.disk.frozen = true;
            try (RawNbd nbd = RawNbd.transmitting(closing.socket, "disk", NbdReplyStyle.SIMPLE)) {
                // Sent in one piece, so that they are received together.
                ByteBuffer others = ByteBuffer.allocate(4 * 28);
                for (int i = 1; i < 5; i++) {
                    others.putInt(NbdMagic.REQUEST).putShort((short) 0).putShort((short) NbdCommand.FLUSH.code());
                    others.putLong(i).putLong(0).putInt(0);
                }
                nbd.send(0, NbdCommand.FLUSH.code(), 0, 0, 0, others.array());
                closing.disk.awaitThawWaiter();
                closing.server.close();
                for (int i = 0; i < 5; i++) {
                    assertEquals(Errno.ESHUTDOWN.wireValue(), nbd.reply(i, 0).error());
                }
                assertTrue(nbd.isClosedByServer());
            }
            assertEquals(0, closing.disk.submits.get());
            closing.assertEverythingIsBack();
        }
    }

    /** A server that would wait for ten minutes for what is under way, and a client with a READ that a freeze has met. */
    private static RawNbd waiting(ServerRig closing) throws IOException {
        RawNbd nbd = RawNbd.transmitting(closing.socket, "disk", NbdReplyStyle.SIMPLE);
        closing.disk.parks = true;
        nbd.send(0, NbdCommand.READ.code(), 7, 0, 512);
        while (closing.disk.parkedCount.get() < 1) {
            Thread.onSpinWait();
        }
        closing.disk.frozen = true;
        return nbd;
    }

    private static ServerRig patient() throws IOException {
        return new ServerRig(ServerOptions.DEFAULT.withDrainTimeoutMillis(600_000));
    }

    @Test
    void whatWaitsInItIsRefusedAtOnceWhenTheServerCloses() throws Exception {
        try (ServerRig closing = patient();
                RawNbd nbd = waiting(closing)) {
            closing.server.close();
            assertEquals(Errno.ESHUTDOWN.wireValue(), nbd.reply(7, 512).error());
            assertTrue(nbd.isClosedByServer());
            closing.assertEverythingIsBack();
        }
    }

    /** An error would reach whoever uses the disk; what is not answered, its client asks again of the next server. */
    @Test
    void whatWaitsInItIsLeftUnansweredAtOnceBeforeARestart() throws Exception {
        try (ServerRig closing = patient();
                RawNbd nbd = waiting(closing)) {
            closing.server.closeForReturn();
            closing.server.close();
            assertTrue(nbd.isClosedByServer(), "no byte comes");
            closing.assertEverythingIsBack();
        }
    }
}

package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.memory.MemorySource;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdReplyStyle;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The system has no memory for more buffers: each request is answered all the same, and the connection goes on. */
@Timeout(60)
class MemoryShortageTest {
    private static final int EIO = 5;
    /** As many as one connection may have in flight; they fit into one slab. */
    private static final int REQUESTS = 128;

    private static final int OTHER_BYTES = 64 << 10;

    private final Scarce memory = new Scarce();
    private final ServerRig rig;

    MemoryShortageTest() throws Exception {
        rig = new ServerRig(ServerOptions.DEFAULT, memory);
    }

    /** Has memory, unless a test says otherwise. */
    private static final class Scarce implements MemorySource {
        private final JvmMemorySource source = new JvmMemorySource();
        volatile boolean isShort;
        /** Thrown once. */
        final AtomicReference<@Nullable RuntimeException> defect = new AtomicReference<>();

        @Override
        public Memory map(int lengthBytes) {
            RuntimeException thrown = defect.getAndSet(null);
            if (thrown != null) {
                throw thrown;
            }
            if (isShort) {
                throw new OutOfMemoryError("none left");
            }
            return source.map(lengthBytes);
        }
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        rig.closeWithEverythingBack();
    }

    private RawNbd transmitting(NbdReplyStyle style) throws Exception {
        RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style);
        // What requests are received in is there from now on.
        assertEquals(0, nbd.ask(0, NbdCommand.FLUSH, 0, 0).error());
        return nbd;
    }

    /** Nothing could come back that they could wait for. */
    @ParameterizedTest
    @EnumSource(NbdReplyStyle.class)
    void withoutAnyBufferRequestsFailUntilThereIsMemory(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style);
                LogLines log = LogLines.listen(ShortageNews.class)) {
            memory.isShort = true;
            for (int length : new int[] {1, 4096, 1 << 20, 5 << 20}) {
                assertEquals(EIO, nbd.read(0, length).error());
                assertEquals(EIO, nbd.write(0, 0, new byte[length]).error());
            }
            assertEquals(0, nbd.ask(0, NbdCommand.FLUSH, 0, 0).error());
            assertEquals(1, log.all().size(), "once a minute, and not for each request");
            assertTrue(log.all().get(0).contains("no memory for more buffers: none left"));
            memory.isShort = false;
            byte[] data = {1, 2, 3};
            assertEquals(0, nbd.write(0, 0, data).error());
            assertArrayEquals(data, nbd.read(0, 3).data());
        }
    }

    /** Those that are held whole, too. */
    @ParameterizedTest
    @EnumSource(NbdReplyStyle.class)
    void theBuffersOfOneRequestServeAllThatFollow(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            assertEquals(0, nbd.read(0, 1).error());
            memory.isShort = true;
            byte[] data = new byte[5 << 20];
            new Random(1).nextBytes(data);
            assertEquals(0, nbd.write(0, 0, data).error());
            for (int flags : style.isChunked() ? new int[] {0, NbdCommandFlags.DF} : new int[] {0}) {
                RawNbd.Reply reply = nbd.ask(flags, NbdCommand.READ, 0, data.length);
                assertEquals(0, reply.error());
                byte[] back = new byte[data.length];
                for (RawNbd.Chunk chunk : reply.chunks()) {
                    ByteBuffer bytes = ByteBuffer.wrap(chunk.payload());
                    int at = chunk.simple() ? 0 : (int) bytes.getLong();
                    bytes.get(back, at, bytes.remaining());
                }
                assertArrayEquals(data, back);
            }
        }
    }

    /** As many as may be, and one behind them that needs a buffer of another size when the first of them ends. */
    private void fillUp(RawNbd nbd) throws Exception {
        rig.disk.hold = true;
        for (int i = 0; i < REQUESTS; i++) {
            nbd.put(0, NbdCommand.READ.code(), i, 0, 512);
        }
        nbd.put(0, NbdCommand.READ.code(), REQUESTS, 0, OTHER_BYTES);
        nbd.out.flush();
        while (rig.disk.heldCount() < REQUESTS) {
            Thread.onSpinWait();
        }
    }

    /** In whatever order. */
    private void assertAllAreAnswered(RawNbd nbd) throws Exception {
        rig.disk.letGo();
        BitSet answered = new BitSet();
        for (int i = 0; i <= REQUESTS; i++) {
            RawNbd.Chunk reply = nbd.chunk(cookie -> cookie == REQUESTS ? OTHER_BYTES : 512);
            assertEquals(0, reply.type());
            answered.set((int) reply.cookie());
        }
        assertEquals(REQUESTS + 1, answered.cardinality());
    }

    /** It is found while another request ends, where no client's bytes would set the connection going again. */
    @Test
    void aRequestWaitsForTheBuffersThatThereAre() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            fillUp(nbd);
            memory.isShort = true;
            assertAllAreAnswered(nbd);
        }
    }

    @Test
    void aDefectAmidAnEndDoesNotStopTheConnection() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            fillUp(nbd);
            memory.defect.set(new IllegalStateException("a defect"));
            assertAllAreAnswered(nbd);
        }
    }
}

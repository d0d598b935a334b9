package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that ask for anything, much at a time, beside others that hold the buffers: whatever way a reply takes then, its
 * bytes are right, and each request is answered once.
 */
@Timeout(120)
class ShortOfBuffersTest {
    private static final int DEAF_COUNT = 60;
    private static final int REQUESTS = 60;
    private static final int EINVAL = 22;
    private static final int NOBODY_KNOWS_IT = 99;

    private final long seed = Long.getLong("blockseal.seed", System.nanoTime());
    private final Random data = new Random(seed);
    private final byte[] disk = new byte[(int) ServerRig.DISK_BYTES];
    private final List<RawNbd> deaf = new ArrayList<>();
    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        System.out.println("ShortOfBuffersTest: -Dblockseal.seed=" + seed);
        data.nextBytes(disk);
        rig = new ServerRig();
        rig.export("uneven", new Uneven(rig.disk, new Random(seed + 1)), false);
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, nbd.write(0, 0, disk).error());
        }
        for (int i = 0; i < DEAF_COUNT; i++) {
            RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.STRUCTURED);
            for (int k = 0; k < 20; k++) {
                nbd.put(0, NbdCommand.READ.code(), k, (long) k << 20, 1 << 20);
            }
            nbd.out.flush();
            deaf.add(nbd);
        }
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        for (RawNbd nbd : deaf) {
            nbd.close();
        }
        rig.closeWithEverythingBack();
    }

    @Test
    void everyByteIsRightAndEveryRequestAnsweredOnce() throws Exception {
        List<CompletableFuture<Void>> clients = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            NbdReplyStyle style = NbdReplyStyle.values()[i % 3];
            Random random = new Random(seed + 2 + i);
            clients.add(CompletableFuture.runAsync(
                    () -> new Client(style, random).run(), task -> new Thread(task).start()));
        }
        for (CompletableFuture<Void> client : clients) {
            client.get(100, TimeUnit.SECONDS);
        }
    }

    /** A request that has not been answered yet. */
    private record Asked(int type, long offset, int length) {
        int bytesBack() {
            return type == NbdCommand.READ.code() ? length : 0;
        }
    }

    private final class Client {
        private final NbdReplyStyle style;
        private final Random random;
        private final Map<Long, Asked> open = new ConcurrentHashMap<>();
        private final Semaphore room;

        Client(NbdReplyStyle style, Random random) {
            this.style = style;
            this.random = random;
            this.room = new Semaphore(1 + random.nextInt(24));
        }

        void run() {
            CompletableFuture<Void> answers = CompletableFuture.completedFuture(null);
            try (RawNbd nbd = RawNbd.transmitting(rig.socket, "uneven", style)) {
                // The channel's own stream would not let us read while it waits.
                nbd.out = new DataOutputStream(new BufferedOutputStream(new Straight(nbd), 1 << 16));
                answers = CompletableFuture.runAsync(() -> takeAnswers(nbd), task -> new Thread(task).start());
                for (long cookie = 0; cookie < REQUESTS; cookie++) {
                    room.acquire();
                    ask(nbd, cookie);
                    if (random.nextBoolean() || room.availablePermits() == 0) {
                        nbd.out.flush();
                    }
                }
                nbd.out.flush();
                answers.join();
            } catch (IOException | InterruptedException broken) {
                // The answers say why.
            }
            answers.join();
        }

        private void ask(RawNbd nbd, long cookie) throws IOException {
            int kind = random.nextInt(8);
            int length =
                    switch (kind) {
                        case 0, 1, 2 -> 1 + random.nextInt(100_000);
                        case 3 -> 1 + random.nextInt(3 << 20);
                        case 4 -> 1 + random.nextInt(24 << 20);
                        case 5 -> 1 + random.nextInt(500_000);
                        default -> 0;
                    };
            int offset = random.nextInt(disk.length - length);
            if (kind < 5) {
                open.put(cookie, new Asked(NbdCommand.READ.code(), offset, length));
                int flags = style.isChunked() && random.nextBoolean() ? NbdCommandFlags.DF : 0;
                nbd.put(flags, NbdCommand.READ.code(), cookie, offset, length);
            } else if (kind == 5) {
                // What is there already.
                open.put(cookie, new Asked(NbdCommand.WRITE.code(), offset, length));
                int flags = style == NbdReplyStyle.EXTENDED ? NbdCommandFlags.PAYLOAD_LEN : 0;
                byte[] same = Arrays.copyOfRange(disk, offset, offset + length);
                nbd.put(flags, NbdCommand.WRITE.code(), cookie, offset, length, same);
            } else {
                int type = kind == 6 ? NbdCommand.FLUSH.code() : NOBODY_KNOWS_IT;
                open.put(cookie, new Asked(type, 0, 0));
                nbd.put(0, type, cookie, 0, 0);
            }
        }

        private void takeAnswers(RawNbd nbd) {
            try {
                Map<Long, Integer> came = new ConcurrentHashMap<>();
                for (int answered = 0; answered < REQUESTS; ) {
                    RawNbd.Chunk chunk = nbd.chunk(cookie -> asked(cookie).bytesBack());
                    Asked asked = asked(chunk.cookie());
                    came.merge(chunk.cookie(), take(asked, chunk), Integer::sum);
                    if (chunk.done()) {
                        assertEquals(asked.bytesBack(), came.remove(chunk.cookie()), () -> "bytes of " + asked);
                        open.remove(chunk.cookie());
                        answered++;
                        room.release();
                    }
                }
            } catch (IOException | RuntimeException | Error wrong) {
                // Whoever asks on must not wait for ever.
                room.release(REQUESTS);
                try {
                    nbd.close();
                } catch (IOException closed) {
                    wrong.addSuppressed(closed);
                }
                throw new AssertionError(style + ", seed " + seed, wrong);
            }
        }

        private Asked asked(long cookie) {
            Asked asked = open.get(cookie);
            assertNotNull(asked, "nobody has asked " + cookie);
            return asked;
        }

        /** How many bytes were in it. */
        private int take(Asked asked, RawNbd.Chunk chunk) {
            ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
            int error = chunk.simple() ? chunk.type() : NbdReplyType.isError(chunk.type()) ? payload.getInt() : 0;
            assertEquals(asked.type() == NOBODY_KNOWS_IT ? EINVAL : 0, error, asked::toString);
            boolean isData = chunk.simple() ? chunk.payload().length > 0 : chunk.type() == NbdReplyType.OFFSET_DATA;
            if (!isData) {
                return 0;
            }
            int at = (int) (chunk.simple() ? asked.offset() : payload.getLong());
            assertTrue(at >= asked.offset(), asked::toString);
            byte[] bytes = new byte[payload.remaining()];
            payload.get(bytes);
            assertArrayEquals(Arrays.copyOfRange(disk, at, at + bytes.length), bytes, asked::toString);
            return bytes.length;
        }
    }

    /** Writes to a client's channel itself. */
    private static final class Straight extends OutputStream {
        private final RawNbd nbd;

        Straight(RawNbd nbd) {
            this.nbd = nbd;
        }

        @Override
        public void write(int one) throws IOException {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            ByteBuffer left = ByteBuffer.wrap(bytes, from, length);
            while (left.hasRemaining()) {
                nbd.channel.write(left);
            }
        }
    }

    /** Answers at once, or after up to three turns of the loop. */
    private record Uneven(BlockDevice device, Random random) implements BlockDevice {
        @Override
        public Geometry geometry() {
            return device.geometry();
        }

        @Override
        public BlockChannel openChannel(IoLoop loop) {
            BlockChannel channel = device.openChannel(loop);
            return new BlockChannel() {
                @Override
                public void submit(BlockRequest request) {
                    later(request, random.nextInt(4));
                }

                private void later(BlockRequest request, int turns) {
                    if (turns == 0) {
                        channel.submit(request);
                    } else {
                        loop.execute(() -> later(request, turns - 1));
                    }
                }

                @Override
                public void kick() {
                    channel.kick();
                }

                @Override
                public void close() {
                    channel.close();
                }
            };
        }
    }
}

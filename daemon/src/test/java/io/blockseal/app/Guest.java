package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.app.daemon.Daemon;
import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A client of an export that writes and reads back for as long as it is asked to, over one connection, and knows all that
 * the volume must hold.
 */
public final class Guest implements AutoCloseable {
    private static final int UNIT_BYTES = 4096;
    private static final int SECONDS = 60;

    private final NbdTransport transport;
    private final NbdClient client;
    private final byte[] expected;
    private final Random random;
    private final AtomicLong done = new AtomicLong();
    private volatile boolean ending;
    private CompletableFuture<Void> work = CompletableFuture.completedFuture(null);

    private Guest(NbdTransport transport, NbdClient client, long seed) {
        this.transport = transport;
        this.client = client;
        this.expected = new byte[Math.toIntExact(client.session().sizeBytes())];
        this.random = new Random(seed);
    }

    /** Connects to the daemon's only export. */
    public static Guest connect(Daemon daemon, long seed) throws Exception {
        return connect(NbdUri.parse(daemon.addresses()), seed);
    }

    /** Connects to an export of a daemon that listens in one place. */
    public static Guest connect(Daemon daemon, String export, long seed) throws Exception {
        String first = daemon.addresses().split(" ")[0];
        return connect(NbdUri.parse(first).withExportName(export), seed);
    }

    private static Guest connect(NbdUri uri, long seed) throws Exception {
        NbdTransport transport = NbdTransport.open(1);
        try {
            NbdClient client =
                    NbdClient.connect(transport, uri, NbdClientOptions.DEFAULT).get(SECONDS, TimeUnit.SECONDS);
            return new Guest(transport, client, seed);
        } catch (ExecutionException refused) {
            transport.close();
            throw refused;
        }
    }

    /** Writes something everywhere. */
    public void fill() throws Exception {
        random.nextBytes(expected);
        int step = 1 << 20;
        for (int at = 0; at < expected.length; at += step) {
            wait(client.write(at, Unpooled.copiedBuffer(expected, at, Math.min(step, expected.length - at)), 0));
        }
        wait(client.flush());
    }

    /** Expects what one of the same seed has written at its {@link #fill}; nothing has been asked of this one yet. */
    public void expectAsFilled() {
        random.nextBytes(expected);
    }

    /** Writes and reads in the background from now on. */
    public void begin() {
        ending = false;
        work = CompletableFuture.runAsync(() -> {
            try {
                while (!ending) {
                    int at = random.nextInt(expected.length / UNIT_BYTES) * UNIT_BYTES;
                    byte[] unit = new byte[UNIT_BYTES];
                    random.nextBytes(unit);
                    wait(client.write(at, Unpooled.copiedBuffer(unit), 0));
                    System.arraycopy(unit, 0, expected, at, UNIT_BYTES);
                    requireRight(random.nextInt(expected.length / UNIT_BYTES) * UNIT_BYTES, UNIT_BYTES);
                    done.incrementAndGet();
                }
            } catch (Exception failed) {
                throw new AssertionError("after " + done + " writes", failed);
            }
        });
    }

    /** How often it has written and read by now. */
    long done() {
        return done.get();
    }

    /** Waits until it has written and read once more. */
    public void awaitOneMore() throws Exception {
        long before = done.get();
        while (done.get() == before && !work.isDone()) {
            Thread.onSpinWait();
        }
        if (work.isDone()) {
            work.get();
        }
    }

    /** Ends the writing, which must have gone well. */
    public void end() throws Exception {
        ending = true;
        work.get(SECONDS, TimeUnit.SECONDS);
    }

    /** How its connection ended; waits until it has. */
    CompletableFuture<?> ended() {
        return client.ended();
    }

    /** What the writing failed of; waits until it has. */
    public Throwable failure() throws Exception {
        try {
            work.get(SECONDS, TimeUnit.SECONDS);
            throw new AssertionError("it went well");
        } catch (ExecutionException failed) {
            return failed.getCause();
        }
    }

    /** All that it knows is there. */
    public void requireAllRight() throws Exception {
        int step = 1 << 20;
        for (int at = 0; at < expected.length; at += step) {
            requireRight(at, Math.min(step, expected.length - at));
        }
    }

    /** What the volume must hold. */
    byte[] expected() {
        return expected.clone();
    }

    private void requireRight(int at, int length) throws Exception {
        byte[] read = client.read(at, length).get(SECONDS, TimeUnit.SECONDS);
        assertEquals(-1, Arrays.mismatch(read, Arrays.copyOfRange(expected, at, at + length)), "from " + at);
        assertArrayEquals(Arrays.copyOfRange(expected, at, at + length), read);
    }

    private static void wait(CompletableFuture<?> answer)
            throws InterruptedException, ExecutionException, TimeoutException {
        answer.get(SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        client.close();
        transport.close();
    }
}

package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon dies in the middle of writing. Whatever a FLUSH had acknowledged is there afterwards; every other unit is
 * what it was or what it became, never noise.
 */
class KillIT {
    private static final int UNIT = 4096;
    private static final int UNITS = 4096;
    // Far apart, so that first touches of ranges are among what is cut.
    private static final long STRIDE = 256 << 10;

    @TempDir
    Path folder;

    @RepeatedTest(3)
    void flushedWritesSurviveAndNothingReadsAsNoise(RepetitionInfo info) throws Exception {
        long seed = 1000 + info.getCurrentRepetition();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Server.create(folder, "1G", "--range-size", "16M");
        int[] flushed = new int[UNITS];
        int[] newest = new int[UNITS];
        try (Server server = Server.start(folder);
                NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = connect(transport, server);
            int killAfter = 5 + random.nextInt(20);
            for (int round = 1; round <= killAfter; round++) {
                List<CompletableFuture<?>> writes = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                    int unit = random.nextInt(UNITS);
                    newest[unit]++;
                    writes.add(client.write(unit * STRIDE, Unpooled.wrappedBuffer(contents(unit, newest[unit])), 0));
                }
                if (round == killAfter) {
                    server.kill();
                    awaitFailureOrSuccess(writes);
                } else {
                    CompletableFuture.allOf(writes.toArray(new CompletableFuture<?>[0]))
                            .get(60, TimeUnit.SECONDS);
                    client.flush().get(60, TimeUnit.SECONDS);
                    System.arraycopy(newest, 0, flushed, 0, UNITS);
                }
            }
            client.close();
        }
        try (Server server = Server.start(folder);
                NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = connect(transport, server);
            for (int unit = 0; unit < UNITS; unit++) {
                byte[] got = client.read(unit * STRIDE, UNIT).get(60, TimeUnit.SECONDS);
                int version = ByteBuffer.wrap(got).getInt(4);
                assertTrue(
                        version >= flushed[unit] && version <= newest[unit],
                        "unit " + unit + " reads version " + version + " of " + flushed[unit] + ".." + newest[unit]);
                assertEquals(
                        ByteBuffer.wrap(contents(unit, version)), ByteBuffer.wrap(got), "unit " + unit + " is noise");
            }
            client.disconnect().get(60, TimeUnit.SECONDS);
        }
    }

    private static NbdClient connect(NbdTransport transport, Server server) throws Exception {
        return NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                .get(60, TimeUnit.SECONDS);
    }

    private static void awaitFailureOrSuccess(List<CompletableFuture<?>> writes)
            throws InterruptedException, TimeoutException {
        for (CompletableFuture<?> write : writes) {
            try {
                write.get(60, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                // The daemon is gone: this write may or may not have happened.
                continue;
            }
        }
    }

    /** Version 0 is a unit never written: zeros. */
    private static byte[] contents(int unit, int version) {
        byte[] bytes = new byte[UNIT];
        if (version > 0) {
            new Random(((long) unit << 32) | version).nextBytes(bytes);
            ByteBuffer.wrap(bytes).putInt(0, unit).putInt(4, version);
        }
        return bytes;
    }
}

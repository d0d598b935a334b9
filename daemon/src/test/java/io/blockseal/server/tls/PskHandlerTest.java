package io.blockseal.server.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.tls.RecordCipher;
import io.blockseal.export.ClientIdentity;
import io.blockseal.metrics.TlsFailure;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLException;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS with a pre-shared key, bytes in and bytes out, against a client in memory. */
class PskHandlerTest {
    private static final byte[] KEY =
            "0123456789abcdef0123456789abcdef".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private static final PresharedKeys KEYS = new PresharedKeys() {
        @Override
        public boolean has(String name) {
            return name.equals("vm3");
        }

        @Override
        public byte[] copyOf(String name) {
            return has(name) ? KEY.clone() : null;
        }
    };

    /** Both ends, with nothing between them but what a test does. */
    private static final class Pair implements AutoCloseable {
        final List<Object> events = new ArrayList<>();
        final List<Throwable> exceptions = new ArrayList<>();
        final EmbeddedChannel server;
        final TlsClientProtocol client = new TlsClientProtocol();

        Pair(PskClient who) throws IOException {
            this(who, Runnable::run);
        }

        Pair(PskClient who, Executor arithmetic) throws IOException {
            this(who, arithmetic, new PskProtocol());
        }

        Pair(PskClient who, Executor arithmetic, PskProtocol protocol) throws IOException {
            server = new EmbeddedChannel(
                    new PskHandler(new PskMeans(KEYS, RecordCipher.BY_THE_JDK), arithmetic, protocol),
                    new ChannelInboundHandlerAdapter() {
                        @Override
                        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
                            if (event != TlsRecord.DECIPHERED) {
                                events.add(event);
                            }
                        }

                        @Override
                        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                            exceptions.add(cause);
                        }
                    });
            client.connect(who);
        }

        byte[] fromClient() {
            byte[] bytes = new byte[client.getAvailableOutputBytes()];
            client.readOutput(bytes, 0, bytes.length);
            return bytes;
        }

        void toServer(byte[] bytes) {
            server.writeInbound(Unpooled.copiedBuffer(bytes));
            server.runPendingTasks();
        }

        byte[] fromServer() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (ByteBuf out = server.readOutbound(); out != null; out = server.readOutbound()) {
                all.writeBytes(ByteBufUtil.getBytes(out));
                out.release();
            }
            return all.toByteArray();
        }

        byte[] cleartextAtServer() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (ByteBuf in = server.readInbound(); in != null; in = server.readInbound()) {
                all.writeBytes(ByteBufUtil.getBytes(in));
                in.release();
            }
            return all.toByteArray();
        }

        byte[] cleartextAtClient() {
            byte[] bytes = new byte[client.getAvailableInputBytes()];
            client.readInput(bytes, 0, bytes.length);
            return bytes;
        }

        /** Until neither has anything to say. */
        Pair talk() throws IOException {
            for (byte[] said = fromClient(); said.length > 0; said = fromClient()) {
                toServer(said);
                client.offerInput(fromServer());
            }
            return this;
        }

        TlsOutcome outcome() {
            return (TlsOutcome) events.get(0);
        }

        @Override
        public void close() {
            server.finishAndReleaseAll();
        }
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                CipherSuite.TLS_AES_128_GCM_SHA256,
                CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
                CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256,
                CipherSuite.TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384,
                CipherSuite.TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256,
                CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256,
                CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384,
                CipherSuite.TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256
            })
    void everySuiteTakesDataBothWaysAndSaysWhoTheClientIs(int suite) throws IOException {
        try (Pair pair = new Pair(PskClient.of(suite, "vm3", KEY)).talk()) {
            assertEquals(
                    new TlsOutcome.Secured(
                            suite >> 8 == 0x13 ? "TLSv1.3" : "TLSv1.2",
                            PskSuites.nameOf(suite),
                            new ClientIdentity(ClientIdentity.Proof.PSK, "vm3", List.of())),
                    pair.outcome());
            byte[] data = random(suite, 100_000);
            pair.client.writeApplicationData(data, 0, data.length);
            pair.toServer(pair.fromClient());
            assertArrayEquals(data, pair.cleartextAtServer());
            pair.server.writeOutbound(Unpooled.copiedBuffer(data, 0, 20), Unpooled.copiedBuffer(data, 20, 99_980));
            pair.client.offerInput(pair.fromServer());
            assertArrayEquals(data, pair.cleartextAtClient());
        }
    }

    @Test
    void bytesMayComeOneByOne() throws IOException {
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY))) {
            for (byte[] said = pair.fromClient(); said.length > 0; said = pair.fromClient()) {
                for (byte one : said) {
                    pair.toServer(new byte[] {one});
                }
                pair.client.offerInput(pair.fromServer());
            }
            assertTrue(pair.outcome() instanceof TlsOutcome.Secured);
            pair.client.writeApplicationData(KEY, 0, KEY.length);
            for (byte one : pair.fromClient()) {
                pair.toServer(new byte[] {one});
            }
            assertArrayEquals(KEY, pair.cleartextAtServer());
        }
    }

    /** The first records of data often come together with the end of the handshake. */
    @Test
    void dataBehindTheHandshakeWaitForItsEnd() throws IOException {
        List<Runnable> waiting = new ArrayList<>();
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY), waiting::add)) {
            pair.toServer(pair.fromClient());
            assertEquals(0, pair.fromServer().length, "the loop does not do it itself");
            waiting.remove(0).run();
            pair.server.runPendingTasks();
            pair.client.offerInput(pair.fromServer());
            pair.client.writeApplicationData(KEY, 0, KEY.length);
            pair.toServer(pair.fromClient());
            assertEquals(List.of(), pair.events);
            while (!waiting.isEmpty()) {
                waiting.remove(0).run();
                pair.server.runPendingTasks();
            }
            assertTrue(pair.outcome() instanceof TlsOutcome.Secured);
            assertArrayEquals(KEY, pair.cleartextAtServer());
        }
    }

    @Nested
    class AWrongKey {
        private int alertOf(String version, String name, byte[] key, String words) throws IOException {
            try (Pair pair = new Pair(PskClient.of(version, name, key))) {
                int alert = -1;
                try {
                    pair.talk();
                } catch (TlsFatalAlertReceived told) {
                    alert = told.getAlertDescription();
                }
                assertEquals(new TlsOutcome.Failed(TlsFailure.WRONG_PSK, words), pair.outcome());
                assertEquals(1, pair.events.size());
                return alert;
            }
        }

        /** Else somebody could find out which names there are. */
        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void looksToTheClientLikeAWrongName(String version) throws IOException {
            byte[] wrong = KEY.clone();
            wrong[31] ^= 1;
            int alert = alertOf(version, "vm3", wrong, "the key of the name 'vm3' is another one there");
            assertEquals(alert, alertOf(version, "vm4", KEY, "there is no pre-shared key of the name that it said"));
            assertEquals(
                    version.equals("TLSv1.3") ? AlertDescription.decrypt_error : AlertDescription.bad_record_mac,
                    alert);
        }
    }

    @Test
    void whatIsNotTlsIsRefusedAndNothingOfItPassedOn() throws IOException {
        for (byte[] said :
                List.of(new byte[] {'I'}, "IHAVEOPT00000000".getBytes(java.nio.charset.StandardCharsets.US_ASCII))) {
            try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY))) {
                pair.toServer(said);
                assertEquals(TlsFailure.NOT_TLS, ((TlsOutcome.Failed) pair.outcome()).reason());
                pair.toServer(pair.fromClient());
                assertEquals(1, pair.events.size());
                assertNull(pair.server.readInbound());
            }
        }
    }

    @Test
    void aClientThatGoesAwayIsToldOnce() throws IOException {
        Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY));
        pair.toServer(Arrays.copyOf(pair.fromClient(), 40));
        pair.close();
        assertEquals(TlsFailure.GONE, ((TlsOutcome.Failed) pair.outcome()).reason());
        assertEquals(1, pair.events.size());
    }

    @Test
    void oneThatGoesAwayWhileWeCalculateIsForgottenAfterwards() throws IOException {
        List<Runnable> waiting = new ArrayList<>();
        Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY), waiting::add);
        pair.toServer(pair.fromClient());
        pair.close();
        waiting.get(0).run();
        pair.server.runPendingTasks();
        assertEquals(TlsFailure.GONE, ((TlsOutcome.Failed) pair.outcome()).reason());
        assertEquals(1, pair.events.size());
    }

    @Test
    void moreHandshakesThanCanWaitAreRefused() throws IOException {
        Executor full = task -> {
            throw new RejectedExecutionException();
        };
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY), full)) {
            pair.toServer(pair.fromClient());
            assertEquals(new TlsOutcome.Failed(TlsFailure.OTHER, "too many handshakes at once"), pair.outcome());
        }
    }

    /** Else the connection would wait for it until its time is up. */
    @Test
    void aHandshakeThatFailedIsToldEvenIfItCannotBeEnded() throws IOException {
        PskProtocol endless = new PskProtocol() {
            @Override
            public void close() throws IOException {
                throw new IOException("it does not end");
            }
        };
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm4", KEY), Runnable::run, endless)) {
            byte[] hello = pair.fromClient();
            hello[hello.length - 1] ^= 1;
            pair.toServer(hello);
            assertEquals(TlsFailure.WRONG_PSK, ((TlsOutcome.Failed) pair.outcome()).reason());
            assertEquals(1, pair.events.size());
        }
    }

    @Test
    void theEndOfTlsIsPassedOnAndAnswered() throws IOException {
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY)).talk()) {
            pair.client.close();
            pair.toServer(pair.fromClient());
            assertEquals(SslCloseCompletionEvent.SUCCESS, pair.events.get(1));
            assertTrue(pair.fromServer().length > 0, "close_notify");
            assertTrue(pair.server.writeOneOutbound(Unpooled.copiedBuffer(KEY)).isDone());
        }
    }

    @Test
    void ourEndIsSaidToTheClient() throws IOException {
        try (Pair pair = new Pair(PskClient.of("TLSv1.2", "vm3", KEY)).talk()) {
            pair.server.close();
            pair.client.offerInput(pair.fromServer());
            assertTrue(pair.client.isClosed());
        }
    }

    @Test
    void whatIsWrittenAndNotFlushedCountsAgainstTheWatermarks() throws IOException {
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY)).talk()) {
            pair.server.config().setWriteBufferWaterMark(new WriteBufferWaterMark(1 << 10, 64 << 10));
            pair.server.write(Unpooled.copiedBuffer(random(1, 70_000)));
            assertFalse(pair.server.isWritable());
            pair.server.flush();
            pair.client.offerInput(pair.fromServer());
            assertEquals(70_000, pair.cleartextAtClient().length);
            assertTrue(pair.server.isWritable());
        }
    }

    @Test
    void aRecordThatWasChangedEndsItAndIsNotPassedOn() throws IOException {
        try (Pair pair = new Pair(PskClient.of("TLSv1.3", "vm3", KEY)).talk()) {
            pair.client.writeApplicationData(KEY, 0, KEY.length);
            byte[] record = pair.fromClient();
            record[record.length - 1] ^= 1;
            pair.toServer(record);
            assertEquals(0, pair.cleartextAtServer().length);
            assertTrue(pair.exceptions.get(0).getCause() instanceof SSLException, () -> pair.exceptions.toString());
        }
    }

    /** Bits flipped, bytes cut out and put in, pieces of any size: it ends or goes on, once, and keeps nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void noBytesOfAClientConfuseIt(String version) throws IOException {
        long seed = 20261127;
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int secured = 0;
        for (int round = 0; round < 300; round++) {
            try (Pair pair = new Pair(PskClient.of(version, "vm3", KEY))) {
                int flight = 0;
                int spoiled = random.nextInt(4);
                byte[] said = pair.fromClient();
                while (said.length > 0) {
                    byte[] sent = flight++ == spoiled ? spoil(said, random) : said;
                    for (int at = 0; at < sent.length; ) {
                        int piece = Math.min(sent.length - at, 1 + random.nextInt(200));
                        pair.toServer(Arrays.copyOfRange(sent, at, at + piece));
                        at += piece;
                    }
                    try {
                        pair.client.offerInput(pair.fromServer());
                        said = pair.fromClient();
                    } catch (IOException refused) {
                        said = new byte[0];
                    }
                }
                assertEquals(0, pair.cleartextAtServer().length, "it has sent no data");
                long outcomes = pair.events.stream()
                        .filter(TlsOutcome.class::isInstance)
                        .count();
                assertTrue(outcomes <= 1, () -> pair.events.toString());
                secured += outcomes == 1 && pair.outcome() instanceof TlsOutcome.Secured ? 1 : 0;
                pair.exceptions.forEach(each -> assertTrue(each.getCause() instanceof SSLException, each::toString));
            }
        }
        assertTrue(secured > 30, "some are left whole: " + secured);
    }

    private static byte[] spoil(byte[] said, Random random) {
        byte[] other = said.clone();
        int at = random.nextInt(said.length);
        switch (random.nextInt(3)) {
            case 0 -> other[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> other = Arrays.copyOf(said, at);
            default -> {
                other = Arrays.copyOf(said, said.length + 1 + random.nextInt(100));
                byte[] more = new byte[other.length - said.length];
                random.nextBytes(more);
                System.arraycopy(more, 0, other, at, more.length);
                System.arraycopy(said, at, other, at + more.length, said.length - at);
            }
        }
        return other;
    }
}

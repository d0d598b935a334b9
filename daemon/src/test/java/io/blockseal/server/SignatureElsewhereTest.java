package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.metrics.TlsFailure;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdOption;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsLibrary;
import io.blockseal.server.tls.TlsMode;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Our key may take its time to sign: nobody waits for that but the client that asked. */
@Timeout(60)
class SignatureElsewhereTest {
    private static final CountDownLatch ASKED = new CountDownLatch(1);
    private static final CountDownLatch LET_GO = new CountDownLatch(1);

    @TempDir
    Path folder;

    /** Signs when it is let go. */
    private record SlowKey(PrivateKey inner) implements PrivateKey {
        @Override
        public String getAlgorithm() {
            return inner.getAlgorithm();
        }

        @Override
        public String getFormat() {
            return "none";
        }

        @Override
        public byte[] getEncoded() {
            return new byte[0];
        }
    }

    /** By way of Java's own. */
    public static final class SlowSignature extends SignatureSpi {
        private Signature inner;

        public SlowSignature() {}

        @Override
        protected void engineInitSign(PrivateKey key) throws InvalidKeyException {
            if (!(key instanceof SlowKey slow)) {
                throw new InvalidKeyException("a key of somebody else");
            }
            try {
                inner = Signature.getInstance("SHA256withECDSA");
            } catch (java.security.NoSuchAlgorithmException gone) {
                throw new InvalidKeyException(gone);
            }
            inner.initSign(slow.inner());
        }

        @Override
        protected void engineUpdate(byte[] message, int offset, int length) throws SignatureException {
            inner.update(message, offset, length);
        }

        @Override
        protected void engineUpdate(byte b) throws SignatureException {
            inner.update(b);
        }

        @Override
        protected byte[] engineSign() throws SignatureException {
            ASKED.countDown();
            try {
                LET_GO.await();
            } catch (InterruptedException e) {
                throw new SignatureException(e);
            }
            return inner.sign();
        }

        @Override
        protected void engineInitVerify(PublicKey key) throws InvalidKeyException {
            throw new InvalidKeyException("only signs");
        }

        @Override
        protected boolean engineVerify(byte[] signature) {
            throw new UnsupportedOperationException();
        }

        @Deprecated
        @Override
        protected void engineSetParameter(String name, Object value) {
            throw new UnsupportedOperationException();
        }

        @Deprecated
        @Override
        protected Object engineGetParameter(String name) {
            throw new UnsupportedOperationException();
        }
    }

    private static final class Slow extends Provider {
        private static final long serialVersionUID = 1;

        Slow() {
            super("Slow", "1", "keys that take their time");
            putService(new Service(
                    this,
                    "Signature",
                    "SHA256withECDSA",
                    SlowSignature.class.getName(),
                    null,
                    Map.of("SupportedKeyClasses", SlowKey.class.getName())));
        }
    }

    private static byte[] hello(TestAuthority authority) throws Exception {
        SSLEngine engine = authority.client(null).createSSLEngine("localhost", 1);
        engine.setUseClientMode(true);
        ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.wrap(ByteBuffer.allocate(0), hello);
        return Arrays.copyOf(hello.array(), hello.position());
    }

    @Test
    void whoHangsUpMeanwhileStopsNobody() throws Exception {
        TestAuthority authority = new TestAuthority(folder, "ours");
        TestAuthority.Pair ours = authority.forServer();
        TlsFigures figures = new TlsFigures();
        ExecutorService arithmetic = Executors.newSingleThreadExecutor();
        Provider slow = new Slow();
        Security.addProvider(slow);
        try (ServerRig rig = new ServerRig();
                NbdServer server = new NbdServer(rig.loops, rig.exports, ServerOptions.DEFAULT)) {
            CertificateTls tls =
                    CertificateTls.of(TlsLibrary.BORINGSSL, ours.chain(), new SlowKey(ours.secret()), List.of(), false);
            InetSocketAddress address = server.listenTcp(
                    new InetSocketAddress("127.0.0.1", 0),
                    new Protection(TlsMode.OPTIONAL, new TlsEndpoint(new Credentials(tls, null), figures, arithmetic)));
            try (RawNbd nbd = RawNbd.haggling(address)) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(hello(authority));
                nbd.out.flush();
                ASKED.await();
            }
            while (figures.failures(TlsFailure.GONE) == 0) {
                Thread.onSpinWait();
            }
            for (NettyIoLoop loop : rig.loops.netty()) {
                assertEquals(0, ServerRig.onLoop(loop, () -> 0));
            }
            LET_GO.countDown();
        } finally {
            LET_GO.countDown();
            arithmetic.shutdown();
            Security.removeProvider(slow.getName());
        }
    }
}

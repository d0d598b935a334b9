package io.blockseal.keysource.kmip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.rest.Backoff;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against PyKMIP's server, which somebody else wrote. Of our modes it knows CTR. */
class PyKmipTest extends SourceContract {
    @TempDir
    static Path folder;

    private static KmipCertificates certificates;
    private static PyKmip server;
    private static int names;

    private Place place;

    @BeforeAll
    static void startIt() throws Exception {
        assumeTrue(PyKmip.isInstalled(), "no PyKMIP server here (Debian's python3-pykmip)");
        certificates = KmipCertificates.make(folder);
        server = PyKmip.start(folder, certificates);
    }

    @AfterAll
    static void stopIt() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    /** Two keys of names of their own. */
    private static final class Place implements Premises {
        final String name = "kek-" + ++names;
        String id;

        Place() throws Exception {
            id = server.create(name);
        }

        String uri(String key, String options) {
            return "kmip:127.0.0.1:" + server.port() + "/" + key + "?" + certificates.options() + options;
        }

        KeySource open(KeySourceContext context, String key, String options) throws Exception {
            return StubPremises.open(uri(key, options), Backoff.DEFAULT, context);
        }

        @Override
        public String place() {
            return uri("name/" + name, "&cipher=ctr");
        }

        @Override
        public KeySource source(KeySourceContext context) throws Exception {
            return open(context, "name/" + name, "&cipher=ctr");
        }

        @Override
        public KeySource otherSource(KeySourceContext context) throws Exception {
            server.create(name + "-other");
            return open(context, "name/" + name + "-other", "&cipher=ctr");
        }

        @Override
        public boolean can(Trouble trouble) {
            return false;
        }

        @Override
        public void have(Trouble trouble) {
            // What it can be brought to cannot be undone: the tests below do it.
        }

        @Override
        public boolean hasVersions() {
            return true;
        }

        @Override
        public void rotate() throws Exception {
            id = server.createAfter(name, id);
        }

        @Override
        public void close() {}
    }

    @Override
    protected Premises open() throws Exception {
        place = new Place();
        return place;
    }

    /** It deciphers what it has enciphered, tag and associated data included. */
    @Test
    void knowsGcmAsWell() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.open(context, place.id, "")) {
            try (Secret opened = source.unwrap(source.wrap(volumeKey, binding), binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    private byte[] bytes(Secret secret) {
        ByteBuffer copy = ByteBuffer.allocate(32);
        engine.keys().copyOut(secret.key(), SecretAccess.TEST_ORACLE, copy);
        return copy.array();
    }

    private static byte[] hmac(byte[] key, byte[] text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text);
    }

    /** Whoever has the KEK can open a slot without us: with another client, and what any library has. */
    @Test
    void anotherClientOpensWhatWeWrapped() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.open(context, place.id, "&cipher=ctr")) {
            byte[] blob = source.wrap(volumeKey, binding).blob();
            byte[] secret =
                    server.decrypt(place.id, "CTR", Arrays.copyOfRange(blob, 41, 57), Arrays.copyOfRange(blob, 57, 89));
            byte[] salt = ByteBuffer.allocate(16)
                    .putLong(binding.volume().getMostSignificantBits())
                    .putLong(binding.volume().getLeastSignificantBits())
                    .array();
            byte[] info = "blockseal/v1/kek/kmip\u0001".getBytes(StandardCharsets.US_ASCII);
            SecretKeySpec kek = new SecretKeySpec(hmac(hmac(salt, secret), info), "AES");
            Cipher kwp = Cipher.getInstance("AES/KWP/NoPadding");
            kwp.init(Cipher.UNWRAP_MODE, kek);
            assertArrayEquals(
                    bytes(volumeKey),
                    kwp.unwrap(Arrays.copyOfRange(blob, 1, 41), "AES", Cipher.SECRET_KEY)
                            .getEncoded());
        }
    }

    @Test
    void aRevokedKeyAndADestroyedOneAreRefusals() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertNotEquals("", wrapped.version());
            server.revoke(place.id);
            assertEquals(Kind.REFUSED, unwrapFails(source, wrapped));
            assertEquals(
                    Kind.REFUSED,
                    assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding))
                            .kind());
            server.destroy(place.id);
            assertEquals(Kind.REFUSED, unwrapFails(source, wrapped));
        }
    }

    private Kind unwrapFails(KeySource source, WrappedKey wrapped) {
        return assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding))
                .kind();
    }

    @Test
    void aClientOfAnotherAuthorityIsNotLetIn() throws Exception {
        String uri = place.place()
                .replace(
                        certificates.options(),
                        KmipCertificates.options(certificates.authority(), certificates.stranger()));
        try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
            KeySourceException failed = assertThrows(KeySourceException.class, source::newestVersion);
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(failed.getMessage().contains("127.0.0.1:" + server.port()), failed::getMessage);
        }
    }
}

package io.blockseal.keysource.kmip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.Vectors;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.kmip.WrappedBlob.Sealed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages byte for byte as PyKMIP writes them (test resource {@code vectors/pykmip_oracle.py}). */
class KmipVectorsTest {
    private static final Map<String, String> MESSAGES = Vectors.lines("pykmip-messages.txt").stream()
            .collect(Collectors.toMap(line -> line.split(" ")[0], line -> line.split(" ")[1]));
    private static final byte RANDOM = 0x55;

    @TempDir
    static Path folder;

    private static KmipCertificates certificates;

    @BeforeAll
    static void makeCertificates() throws Exception {
        certificates = KmipCertificates.make(folder);
    }

    private static byte[] counting(int bytes) {
        byte[] all = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            all[i] = (byte) i;
        }
        return all;
    }

    /** What goes over the wire to a stub that keeps it. */
    @Nested
    class Requests {
        private final CryptoEngine engine = new JavaCryptoEngine(16, target -> Arrays.fill(target, RANDOM));
        private final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
        private final KeySourceContext context =
                new KeySourceContext(engine, null, name -> null, () -> new byte[0], use -> {});

        private void assertSent(StubPremises place, String... names) {
            int at = 0;
            for (String name : names) {
                assertEquals(
                        MESSAGES.get("request-" + name), HexFormat.of().formatHex(place.stub.requests.get(at++)), name);
            }
        }

        @ParameterizedTest
        @EnumSource(ServerCipher.class)
        void ofWrapping(ServerCipher cipher) throws Exception {
            try (StubPremises place = new StubPremises(certificates);
                    Secret volumeKey = Secret.random(engine.keys(), 32);
                    KeySource source = place.source(context, "name/kek", "&cipher=" + cipher)) {
                source.wrap(volumeKey, binding);
                assertSent(place, "discover-versions", "locate", "get-attributes", "encrypt-" + cipher);
            }
        }

        @ParameterizedTest
        @EnumSource(ServerCipher.class)
        void ofUnwrapping(ServerCipher cipher) throws Exception {
            byte[] iv = new byte[cipher.ivBytes()];
            Arrays.fill(iv, RANDOM);
            Sealed sealed = new Sealed(iv, counting(32), counting(cipher.tagBytes()));
            byte[] blob = new WrappedBlob(cipher, new byte[40], sealed).encode();
            try (StubPremises place = new StubPremises(certificates);
                    KeySource source = place.source(context)) {
                WrappedKey wrapped =
                        new WrappedKey(WrapAlgorithm.OPAQUE, source.reference(), "id-1", new byte[0], blob);
                assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, binding));
                assertSent(place, "discover-versions", "decrypt-" + cipher);
            }
        }

        @Test
        void withACredential() throws Exception {
            Path password = Files.writeString(folder.resolve("password"), "tangerine\n");
            Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
            String options = "&user-name=volumes&password-file=" + password;
            try (StubPremises place = new StubPremises(certificates);
                    KeySource source = place.source(context, "id-1", options)) {
                source.newestVersion();
                assertSent(place, "with-password");
            }
        }
    }

    /** Answers of a server. */
    @Nested
    class Answers {
        private KmipReply reply(String name, Operation asked) throws IOException {
            return KmipReply.of(HexFormat.of().parseHex(MESSAGES.get("response-" + name)), asked);
        }

        @Test
        void ofTheVersions() throws Exception {
            try (KmipReply reply = reply("discover-versions", Operation.DISCOVER_VERSIONS)) {
                assertTrue(reply.isSuccessful());
                assertEquals("2027-01-15T08:00:01Z", reply.requestId());
                StringBuilder versions = new StringBuilder();
                for (TtlvItem each : reply.payload().all(Tag.PROTOCOL_VERSION)) {
                    versions.append(ProtocolVersion.of(each)).append(' ');
                }
                assertEquals("2.0 1.4 1.2 ", versions.toString());
            }
        }

        @Test
        void ofKeys() throws Exception {
            try (KmipReply found = reply("locate", Operation.LOCATE);
                    KmipReply attributes = reply("get-attributes", Operation.GET_ATTRIBUTES)) {
                assertEquals(
                        "id-1", found.payload().require(Tag.UNIQUE_IDENTIFIER).text());
                assertEquals(2, found.payload().all(Tag.UNIQUE_IDENTIFIER).size());
                KeyObject key = KeyObject.of("id-1", attributes.payload());
                assertEquals(KeyObject.State.DEACTIVATED, key.state());
                assertTrue(key.isFit());
                assertEquals(1205495800, key.sinceSeconds());
            }
        }

        @Test
        void ofCiphers() throws Exception {
            CryptoEngine engine = new JavaCryptoEngine(4, target -> Arrays.fill(target, RANDOM));
            try (KmipReply encrypted = reply("encrypt-gcm", Operation.ENCRYPT);
                    KmipReply decrypted = reply("decrypt", Operation.DECRYPT);
                    Secret secret = decrypted.payload().require(Tag.DATA).secret(engine, 32);
                    Secret expected = Secret.empty(engine.keys())) {
                assertArrayEquals(
                        counting(32), encrypted.payload().require(Tag.DATA).bytes());
                assertArrayEquals(
                        counting(16),
                        encrypted
                                .payload()
                                .require(Tag.AUTHENTICATED_ENCRYPTION_TAG)
                                .bytes());
                byte[] all = new byte[32];
                Arrays.fill(all, RANDOM);
                engine.keys().put(expected.key(), ByteBuffer.wrap(all));
                assertTrue(engine.keys().same(expected.key(), secret.key()));
            }
        }

        @Test
        void thatItDidNotWork() throws Exception {
            try (KmipReply denied = reply("denied", Operation.DECRYPT);
                    KmipReply early = reply("not-understood", Operation.DECRYPT)) {
                assertFalse(denied.isSuccessful());
                assertEquals(ResultReason.PERMISSION_DENIED, denied.reason());
                assertEquals("Could not locate object: id-1", denied.words());
                assertThrows(IOException.class, denied::payload);
                assertEquals(ResultReason.INVALID_MESSAGE, early.reason());
            }
        }

        /** A success without an operation, of another one, of two, or without a status is not believed, and wiped. */
        @ParameterizedTest
        @ValueSource(
                strings = {"another", "no operation", "two", "none", "no status", "pending", "no header", "a request"})
        void thatAreNoneAreRefusedAndWiped(String how) {
            byte[] header = StubMessage.structure(0x42007A, StubMessage.integer(0x42000D, 1));
            byte[] operation = StubMessage.enumeration(0x42005C, how.equals("another") ? 0x1F : 0x20);
            byte[] status = StubMessage.enumeration(0x42007F, how.equals("pending") ? 2 : 0);
            byte[] secret = StubMessage.item(0x4200C2, StubMessage.BYTES, counting(32));
            byte[] none = new byte[0];
            byte[] item = StubMessage.structure(
                    0x42000F,
                    how.equals("no operation") ? none : operation,
                    how.equals("no status") ? none : status,
                    StubMessage.structure(0x42007C, secret));
            byte[] message = StubMessage.structure(
                    how.equals("a request") ? 0x420078 : 0x42007B,
                    how.equals("no header") ? none : header,
                    how.equals("none") ? none : item,
                    how.equals("two") ? item : none);
            String words = assertThrows(IOException.class, () -> KmipReply.of(message, Operation.DECRYPT))
                    .getMessage();
            assertFalse(words.isBlank());
            assertArrayEquals(new byte[message.length], message);
        }

        @Test
        void areWipedWhenTheyWereRead() throws Exception {
            byte[] message = HexFormat.of().parseHex(MESSAGES.get("response-decrypt"));
            KmipReply.of(message, Operation.DECRYPT).close();
            assertArrayEquals(new byte[message.length], message);
        }
    }
}

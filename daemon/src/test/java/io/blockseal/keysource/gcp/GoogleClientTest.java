package io.blockseal.keysource.gcp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.http.HttpRequestInitializer;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.cloudkms.v1.CloudKMS;
import com.google.api.services.cloudkms.v1.CloudKMS.Projects.Locations.KeyRings.CryptoKeys;
import com.google.api.services.cloudkms.v1.model.CryptoKey;
import com.google.api.services.cloudkms.v1.model.CryptoKeyVersion;
import com.google.api.services.cloudkms.v1.model.DecryptRequest;
import com.google.api.services.cloudkms.v1.model.DecryptResponse;
import com.google.api.services.cloudkms.v1.model.DestroyCryptoKeyVersionRequest;
import com.google.api.services.cloudkms.v1.model.EncryptRequest;
import com.google.api.services.cloudkms.v1.model.EncryptResponse;
import com.google.api.services.cloudkms.v1.model.UpdateCryptoKeyPrimaryVersionRequest;
import com.google.auth.http.HttpCredentialsAdapter;
import com.google.auth.oauth2.GoogleCredentials;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.rest.TlsFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Google's own client of Cloud KMS at the same stub: so it is not merely the mirror of our client, and the two read each
 * other's wrapped keys.
 */
class GoogleClientTest {
    private static final String RING = CloudKmsStub.RING.replaceFirst("/cryptoKeys/$", "");

    private final CryptoEngine engine = new JavaCryptoEngine();
    private final KeySourceContext context =
            new KeySourceContext(engine, null, name -> null, () -> new byte[0], use -> {});
    private final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
    private final byte[] aad = binding.volume().toString().getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path folder;

    private CloudKmsStub stub;
    private CryptoKeys keys;

    @BeforeEach
    void open() throws Exception {
        stub = new CloudKmsStub(folder);
        try (InputStream in = Files.newInputStream(stub.account())) {
            GoogleCredentials credentials = GoogleCredentials.fromStream(in, this::transport)
                    .createScoped(List.of("https://www.googleapis.com/auth/cloudkms"));
            keys = keys(new HttpCredentialsAdapter(credentials));
        }
    }

    @AfterEach
    void close() throws Exception {
        stub.close();
        engine.close();
    }

    private NetHttpTransport transport() {
        try {
            return new NetHttpTransport.Builder()
                    .setSslSocketFactory(
                            TlsFiles.context(stub.caFile(), null, null).getSocketFactory())
                    .build();
        } catch (KeySourceException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private CryptoKeys keys(HttpRequestInitializer identity) {
        return new CloudKMS.Builder(transport(), GsonFactory.getDefaultInstance(), identity)
                .setRootUrl(stub.url() + "/")
                .setApplicationName("tests")
                .build()
                .projects()
                .locations()
                .keyRings()
                .cryptoKeys();
    }

    private static long crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    private static String name(String key) {
        return CloudKmsStub.RING + key;
    }

    private EncryptResponse encrypt(String key, byte[] plain) throws IOException {
        EncryptRequest question = new EncryptRequest()
                .encodePlaintext(plain)
                .setPlaintextCrc32c(crc(plain))
                .encodeAdditionalAuthenticatedData(aad)
                .setAdditionalAuthenticatedDataCrc32c(crc(aad));
        return keys.encrypt(name(key), question).execute();
    }

    private DecryptResponse decrypt(String key, byte[] blob, byte[] data) throws IOException {
        DecryptRequest question = new DecryptRequest()
                .encodeCiphertext(blob)
                .setCiphertextCrc32c(crc(blob))
                .encodeAdditionalAuthenticatedData(data);
        return keys.decrypt(name(key), question).execute();
    }

    private interface Call {
        Object go() throws IOException;
    }

    private static void assertRefused(int status, String code, Call call) {
        GoogleJsonResponseException refused = assertThrows(GoogleJsonResponseException.class, call::go);
        assertEquals(status, refused.getStatusCode());
        assertEquals(code, refused.getDetails().get("status"));
        assertTrue(!refused.getDetails().getMessage().isBlank());
    }

    @Test
    void readsWhatWeWroteAndWritesWhatWeRead() throws Exception {
        try (KeySource source = stub.source(context);
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            byte[] raw = KeyDocument.raw(engine, volumeKey);
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            DecryptResponse opened = decrypt("kek", wrapped.blob(), aad);
            assertArrayEquals(raw, opened.decodePlaintext());
            assertEquals(crc(raw), opened.getPlaintextCrc32c());

            EncryptResponse theirs = encrypt("kek", raw);
            assertTrue(theirs.getVerifiedPlaintextCrc32c() && theirs.getVerifiedAdditionalAuthenticatedDataCrc32c());
            assertEquals(crc(theirs.decodeCiphertext()), theirs.getCiphertextCrc32c());
            assertEquals(name("kek") + "/cryptoKeyVersions/1", theirs.getName());
            WrappedKey slot = new WrappedKey(
                    WrapAlgorithm.OPAQUE, source.reference(), "1", new byte[0], theirs.decodeCiphertext());
            try (Secret again = source.unwrap(slot, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), again.key()));
            }
        }
    }

    @Test
    void makesTheKeyThatWeUseAndTurnsItOver() throws Exception {
        CryptoKey made = keys.create(RING, new CryptoKey().setPurpose("ENCRYPT_DECRYPT"))
                .setCryptoKeyId("made")
                .execute();
        assertEquals(name("made") + "/cryptoKeyVersions/1", made.getPrimary().getName());
        try (KeySource source = CloudKmsStub.open(stub.uri("made", ""), context);
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey old = source.wrap(volumeKey, binding);
            assertEquals("1", source.newestVersion());
            CryptoKeyVersion second = keys.cryptoKeyVersions()
                    .create(name("made"), new CryptoKeyVersion())
                    .execute();
            // It is there, and not yet the primary one.
            assertEquals("1", source.newestVersion());
            keys.updatePrimaryVersion(
                            name("made"), new UpdateCryptoKeyPrimaryVersionRequest().setCryptoKeyVersionId("2"))
                    .execute();
            assertEquals("2", source.newestVersion());
            assertEquals(
                    second.getName(),
                    keys.get(name("made")).execute().getPrimary().getName());
            assertEquals("2", source.wrap(volumeKey, binding).version());

            set(old, "DISABLED");
            assertNotOpened(source, old);
            set(old, "ENABLED");
            source.unwrap(old, binding).close();
            keys.cryptoKeyVersions()
                    .destroy(name("made") + "/cryptoKeyVersions/1", new DestroyCryptoKeyVersionRequest())
                    .execute();
            assertNotOpened(source, old);
        }
    }

    private void set(WrappedKey of, String state) throws IOException {
        CryptoKeyVersion changed = keys.cryptoKeyVersions()
                .patch(name("made") + "/cryptoKeyVersions/" + of.version(), new CryptoKeyVersion().setState(state))
                .setUpdateMask("state")
                .execute();
        assertEquals(state, changed.getState());
    }

    private void assertNotOpened(KeySource source, WrappedKey old) {
        KeySourceException no = assertThrows(KeySourceException.class, () -> source.unwrap(old, binding));
        assertEquals(Kind.REFUSED, no.kind(), no::getMessage);
        assertRefused(400, "FAILED_PRECONDITION", () -> decrypt("made", old.blob(), aad));
    }

    /** What our client takes for a wrong key, or for no key, is told to another client in the same words. */
    @Test
    void isToldWhatIsWrongInTheWaysOfTheApi() throws Exception {
        byte[] blob = encrypt("kek", new byte[32]).decodeCiphertext();
        assertRefused(400, "INVALID_ARGUMENT", () -> decrypt("kek", blob, new byte[] {1}));
        assertRefused(400, "INVALID_ARGUMENT", () -> decrypt("other", blob, aad));
        assertRefused(404, "NOT_FOUND", () -> decrypt("nobody", blob, aad));
        assertRefused(400, "INVALID_ARGUMENT", () -> keys.encrypt(
                        name("kek"),
                        new EncryptRequest().encodePlaintext(new byte[1]).setPlaintextCrc32c(1L))
                .execute());
        assertRefused(401, "UNAUTHENTICATED", () -> keys(request -> {})
                .get(name("kek"))
                .execute());
    }

    /** Neither checksums nor associated data have to be sent. */
    @Test
    void needsNoChecksums() throws Exception {
        EncryptResponse bare = keys.encrypt(name("kek"), new EncryptRequest().encodePlaintext(new byte[] {7}))
                .execute();
        assertEquals(false, bare.getVerifiedPlaintextCrc32c());
        DecryptRequest question = new DecryptRequest().encodeCiphertext(bare.decodeCiphertext());
        assertArrayEquals(
                new byte[] {7}, keys.decrypt(name("kek"), question).execute().decodePlaintext());
    }
}

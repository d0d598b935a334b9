package io.blockseal.keysource.gcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GcpKmsKeySourceTest extends SourceContract {
    @TempDir
    private Path folder;

    private CloudKmsStub stub;

    @Override
    protected Premises open() throws Exception {
        stub = new CloudKmsStub(folder);
        return stub;
    }

    private KeySourceException fails(String uri) {
        return assertThrows(KeySourceException.class, () -> {
            try (KeySource source = CloudKmsStub.open(uri, context)) {
                source.newestVersion();
            }
        });
    }

    @Test
    void whatItWrapsForOneVolumeOpensNoOther() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertEquals("1", wrapped.version());
            Binding other = new Binding(UUID.fromString("11111111-89ab-cdef-0123-456789abcdef"));
            WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, other));
            assertTrue(wrong.getMessage().contains("Decryption failed"), wrong::getMessage);
            assertEquals(List.of("encrypt", "decrypt"), stub.verbs());
        }
    }

    /** A bit that fell over in somebody's memory would be a volume that never opens again. */
    @ParameterizedTest
    @ValueSource(strings = {"ciphertextCrc32c", "verifiedPlaintextCrc32c", "verifiedAdditionalAuthenticatedDataCrc32c"})
    void doesNotTakeAWrappingThatWasDamagedOnTheWay(String field) throws Exception {
        stub.spoilt = field;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            KeySourceException damaged = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
            assertEquals(Kind.UNREACHABLE, damaged.kind());
            assertTrue(damaged.getMessage().contains("damaged"), damaged::getMessage);
        }
    }

    @Test
    void doesNotTakeAKeyThatWasDamagedOnTheWay() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.spoilt = "plaintextCrc32c";
            assertEquals(
                    Kind.UNREACHABLE,
                    assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding))
                            .kind());
            stub.spoilt = "";
            source.unwrap(wrapped, binding).close();
        }
    }

    @Test
    void asksForNoRightThatWrappingDoesNotNeed() throws Exception {
        stub.mayDescribe = false;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            source.unwrap(source.wrap(volumeKey, binding), binding).close();
            assertEquals("", source.newestVersion());
        }
    }

    @Test
    void aKeyOfAnotherPurposeAndAPrimaryThatIsDisabledAreTold() {
        stub.key("kek").purpose = "ASYMMETRIC_DECRYPT";
        assertEquals(Kind.MISCONFIGURED, fails(stub.place()).kind());
        stub.key("kek").purpose = "ENCRYPT_DECRYPT";
        stub.key("kek").primary().state = "DISABLED";
        KeySourceException disabled = fails(stub.place());
        assertEquals(Kind.REFUSED, disabled.kind());
        assertTrue(disabled.getMessage().contains("is DISABLED"), disabled::getMessage);
    }

    @ParameterizedTest
    @CsvSource({
        "404, NOT_FOUND, REFUSED",
        "403, PERMISSION_DENIED, REFUSED",
        "400, FAILED_PRECONDITION, REFUSED",
        "429, RESOURCE_EXHAUSTED, THROTTLED",
        "400, INVALID_ARGUMENT, MISCONFIGURED",
        "503, UNAVAILABLE, UNREACHABLE",
        "500, INTERNAL, UNREACHABLE",
        "504, DEADLINE_EXCEEDED, UNREACHABLE",
        "401, UNAUTHENTICATED, UNREACHABLE",
        "409, SOMETHING_NEW, MISCONFIGURED"
    })
    void knowsWhatEachErrorMeans(int status, String code, Kind kind) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.refusal = CloudKmsStub.error(status, code, "as the test says");
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertTrue(failed.getMessage().contains("as the test says"), failed::getMessage);
        }
    }

    /** A bit that fell over on the way there, as one on the way back. */
    @Test
    void aChecksumThatDoesNotFitThereIsNotTheConfiguration() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            stub.refusal = CloudKmsStub.error(
                    400, "INVALID_ARGUMENT", "The checksum in field plaintext_crc32c did not match the data");
            KeySourceException damaged = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
            assertEquals(Kind.UNREACHABLE, damaged.kind(), damaged::getMessage);
        }
    }

    /** The library waits for its token service in a way that cannot be ended. */
    @Test
    @Timeout(60)
    void whoIsInterruptedDoesNotWaitForAToken() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Path account = CloudKmsStub.credentials(
                    folder.resolve("waiting.json"),
                    CloudKmsStub.SIGNER,
                    "http://127.0.0.1:" + silent.getLocalPort() + "/token");
            try (KeySource source = CloudKmsStub.open(stub.uri("kek", account, ""), context)) {
                assertInterruptible(
                        source, () -> silent.accept().getInputStream().read());
            }
        }
    }

    /** That nobody gives us a token says nothing about the key. */
    @Test
    void anIdentityThatIsNotAcceptedIsNoRefusal() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        Path stranger = stub.credentials(folder.resolve("stranger.json"), generator.generateKeyPair());
        KeySourceException failed = fails(stub.uri("kek", stranger, ""));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("no identity for Google Cloud"), failed::getMessage);
        assertFalse(failed.getMessage().contains("assertion"), failed::getMessage);
        stub.instead = Reply.json(400, "{\"error\":\"invalid_grant\",\"error_description\":\"account disabled\"}");
        assertEquals(Kind.UNREACHABLE, fails(stub.place()).kind());
    }

    @Test
    void credentialsThatOthersMayReadAreNotUsed() throws Exception {
        Path file = folder.resolve("account.json");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        KeySourceException open = fails(stub.place());
        assertTrue(open.getMessage().contains("may be used by others"), open::getMessage);
    }

    @Test
    void oneTokenServesManyQuestionsAndAnotherIsFetchedWhenItIsNotTaken() throws Exception {
        try (KeySource source = stub.source(context)) {
            assertEquals("1", source.newestVersion());
            assertEquals("1", source.newestVersion());
            assertEquals(1, stub.tokenCount());
            stub.forgetTokens();
            assertEquals("1", source.newestVersion());
            assertEquals(1, stub.tokenCount());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gcp-kms:",
                "gcp-kms:projects/p/locations/l/keyRings/r",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k?endpoint=http://localhost",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k?endpoint=https://u@h/x",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k?endpoint=https://[",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k?endpoint=https://h:p",
                "gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k?unknown=1"
            })
    void whatIsNoKeyIsRefusedBeforeAnythingIsAsked(String uri) {
        assertEquals(Kind.MISCONFIGURED, fails(uri).kind());
        assertTrue(stub.asked.isEmpty());
    }
}

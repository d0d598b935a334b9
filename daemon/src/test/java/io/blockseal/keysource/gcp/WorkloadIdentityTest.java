package io.blockseal.keysource.gcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A workload of another platform, with no key of Google's: its token, which the platform puts into a file and renews, is
 * exchanged for one of Google's (workload identity federation).
 */
class WorkloadIdentityTest {
    private static final String CLOUD_KMS = "https://www.googleapis.com/auth/cloudkms";
    private static final String CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";

    private final CryptoEngine engine = new JavaCryptoEngine();
    private final KeySourceContext context =
            new KeySourceContext(engine, null, name -> null, () -> new byte[0], use -> {});
    private final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));

    @TempDir
    Path folder;

    private CloudKmsStub stub;
    private Path subjectToken;

    @BeforeEach
    void open() throws Exception {
        stub = new CloudKmsStub(folder);
        subjectToken = Files.writeString(folder.resolve("subject-token"), "eyJ.first.one");
        stub.exchange.believed.add("eyJ.first.one");
    }

    @AfterEach
    void close() throws Exception {
        stub.close();
        engine.close();
    }

    private KeySource source(boolean impersonates) throws Exception {
        Path file = TokenExchangeStub.configuration(
                folder.resolve("federated.json"), stub.url(), subjectToken, impersonates);
        return CloudKmsStub.open(stub.uri("kek", file, ""), context);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itsTokenIsExchanged(boolean impersonates) throws Exception {
        try (KeySource source = source(impersonates);
                Secret volumeKey = Secret.random(engine.keys(), 32);
                Secret opened = source.unwrap(source.wrap(volumeKey, binding), binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            assertEquals(List.of("encrypt", "decrypt"), stub.verbs());
            // No more than it takes: to use keys; to become the service account, whose token then is for keys only.
            assertEquals(impersonates ? List.of(CLOUD_PLATFORM, CLOUD_KMS) : List.of(CLOUD_KMS), stub.exchange.scopes);
        }
    }

    @Test
    void theNextTokenIsMadeOfWhatThePlatformHasPutThereMeanwhile() throws Exception {
        try (KeySource source = source(false)) {
            assertEquals("1", source.newestVersion());
            assertEquals("1", source.newestVersion());
            assertEquals(1, stub.tokenCount());
            stub.exchange.believed.clear();
            stub.exchange.believed.add("eyJ.second.one");
            Files.writeString(subjectToken, "eyJ.second.one");
            stub.forgetTokens();
            // The token of before is refused once, and that is no trouble of the key's.
            assertEquals("1", source.newestVersion());
            assertEquals(1, stub.tokenCount());
        }
    }

    /** It says nothing about the key. */
    @Test
    void aTokenThatIsNotBelievedIsNoRefusal() throws Exception {
        Files.writeString(subjectToken, "eyJ.forged.one");
        try (KeySource source = source(false)) {
            KeySourceException failed = assertThrows(KeySourceException.class, source::newestVersion);
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(failed.getMessage().contains("no identity for Google Cloud"), failed::getMessage);
            assertTrue(failed.getMessage().contains("not accepted by the identity provider"), failed::getMessage);
            for (Throwable at = failed; at != null; at = at.getCause()) {
                assertFalse(String.valueOf(at.getMessage()).contains("eyJ"), at::toString);
            }
            assertTrue(stub.asked.isEmpty());
        }
    }

    @Test
    void aFileWithoutATokenIsTold() throws Exception {
        Files.delete(subjectToken);
        try (KeySource source = source(false)) {
            KeySourceException failed = assertThrows(KeySourceException.class, source::newestVersion);
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(failed.getMessage().contains(subjectToken.toString()), failed::getMessage);
            Files.writeString(subjectToken, "eyJ.first.one");
            assertEquals("1", source.newestVersion());
        }
    }
}

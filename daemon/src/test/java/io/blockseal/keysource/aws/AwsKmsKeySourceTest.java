package io.blockseal.keysource.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AwsKmsKeySourceTest extends SourceContract {
    @TempDir
    private Path folder;

    private KmsStub stub;

    @Override
    protected Premises open() throws Exception {
        stub = new KmsStub(folder);
        return stub;
    }

    private KeySourceException refused(String uri) {
        return assertThrows(KeySourceException.class, () -> {
            try (KeySource source = KmsStub.open(uri, context)) {
                source.newestVersion();
            }
        });
    }

    @Test
    void whatItWrapsForOneVolumeOpensNoOther() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            Binding other = new Binding(UUID.fromString("11111111-89ab-cdef-0123-456789abcdef"));
            WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, other));
            assertTrue(wrong.getMessage().contains("InvalidCiphertext"), wrong::getMessage);
        }
    }

    @Test
    void theAuditHasTheRequestIdOfTheQuestionThatCounts() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            source.wrap(volumeKey, binding);
            assertEquals(List.of("DescribeKey", "Encrypt"), stub.operations);
            assertEquals(
                    "request-2", uses.stream().map(KeyUse::requestId).toList().get(0));
        }
    }

    @Test
    void doesWithoutAVersionWhereItMayNotAskOrIsNotTold() throws Exception {
        stub.mayDescribe = false;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertEquals("", wrapped.version());
            source.unwrap(wrapped, binding).close();
            assertEquals("", source.newestVersion());
            stub.mayDescribe = true;
            stub.tellsMaterial = false;
            assertEquals("", source.newestVersion());
            stub.tellsMaterial = true;
            assertEquals(64, source.newestVersion().length());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "DisabledException, x, REFUSED",
        "NotFoundException, x, REFUSED",
        "AccessDeniedException, x, REFUSED",
        "com.amazonaws.kms#DisabledException, x, REFUSED",
        "KMSInvalidStateException, K is pending deletion., REFUSED",
        "KMSInvalidStateException, K is unavailable., UNREACHABLE",
        "ExpiredTokenException, x, UNREACHABLE",
        "InvalidSignatureException, Signature expired: 20260101T000000Z, UNREACHABLE",
        "LimitExceededException, x, THROTTLED",
        "ThrottlingException, x, THROTTLED",
        "InvalidKeyUsageException, x, MISCONFIGURED",
        "ValidationException, x, MISCONFIGURED"
    })
    void knowsWhatEachRefusalMeans(String type, String words, Kind kind) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            for (int i = 0; i < 20; i++) {
                stub.instead.add(KmsStub.refusal(type, words));
            }
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertTrue(failed.getMessage().contains(words), failed::getMessage);
            assertFalse(failed.getMessage().contains(KmsStub.SECRET));
        }
    }

    /** It says 400 to that, not 429. */
    @Test
    void asksAgainAfterThrottlingInItsOwnWords() throws Exception {
        stub.instead.add(KmsStub.refusal("ThrottlingException", "Rate exceeded"));
        stub.instead.add(KmsStub.refusal("ThrottlingException", "Rate exceeded"));
        try (KeySource source = stub.source(context)) {
            assertEquals(64, source.newestVersion().length());
            assertEquals(3, stub.operations.size());
        }
    }

    @Test
    void aKeyThatCannotBindIsNotUsed() throws Exception {
        stub.keySpec = "RSA_4096";
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains("SYMMETRIC_DEFAULT"), failed::getMessage);
            assertFalse(stub.operations.contains("Encrypt"), "the key was sent");
        }
    }

    @Test
    void blobsThatDoNotFitAreNotTaken() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = stub.source(context)) {
            for (String blob : List.of("", "*", "A".repeat(1000))) {
                stub.instead.add(Reply.json(200, "{\"KeyMetadata\":{\"KeySpec\":\"SYMMETRIC_DEFAULT\"}}"));
                stub.instead.add(Reply.json(200, "{\"CiphertextBlob\":\"" + blob + "\"}"));
                KeySourceException failed =
                        assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
                assertEquals(Kind.MISCONFIGURED, failed.kind());
                assertTrue(failed.getMessage().contains("'CiphertextBlob'"), failed::getMessage);
            }
        }
    }

    @Test
    void aWrongSecretIsAboutUsAndNotAboutTheKey() throws Exception {
        Path wrong = KmsStub.credentials(folder, "wrong", "default", "AnotherSecretOfNobody");
        KeySourceException failed = refused(stub.uri(KmsStub.ONE, "&credentials-file=" + wrong));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("check the credentials, and the clock"), failed::getMessage);
        assertFalse(failed.getMessage().contains("AnotherSecretOfNobody"));
    }

    @Test
    void credentialsAreReadAnewWhenTheyChangeAndByProfile() throws Exception {
        Path file = KmsStub.credentials(folder, "team", "team", "AnotherSecretOfNobody");
        String uri = stub.uri(KmsStub.ONE, "&credentials-file=" + file + "&profile=team");
        try (KeySource source = KmsStub.open(uri, context)) {
            assertThrows(KeySourceException.class, source::newestVersion);
        }
        KmsStub.credentials(folder, "team", "team", KmsStub.SECRET);
        try (KeySource source = KmsStub.open(uri, context)) {
            assertNotEquals("", source.newestVersion());
        }
        String nobody = uri.replace("profile=team", "profile=nobody");
        assertTrue(refused(nobody).getMessage().contains("no identity for AWS"));
    }

    @Test
    void aCredentialsFileThatOthersMayReadIsRefused() throws Exception {
        Path file = KmsStub.credentials(folder, "open", "default", KmsStub.SECRET);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        KeySourceException failed = refused(stub.uri(KmsStub.ONE, "&credentials-file=" + file));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("credentials file"), failed::getMessage);
    }

    /** As ECS and EKS give them to a container; the SDK's chain finds them by itself. */
    @Test
    void takesTheIdentityThatAContainerIsGiven() throws Exception {
        HttpServer agent = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        byte[] given = ("{\"AccessKeyId\":\"" + KmsStub.KEY_ID + "\",\"SecretAccessKey\":\"" + KmsStub.SECRET
                        + "\",\"Token\":\"session\",\"Expiration\":\"2099-01-01T00:00:00Z\"}")
                .getBytes(StandardCharsets.UTF_8);
        agent.createContext("/identity", exchange -> {
            exchange.sendResponseHeaders(200, given.length);
            exchange.getResponseBody().write(given);
            exchange.close();
        });
        agent.start();
        Map<String, String> properties = container(agent.getAddress().getPort());
        try (KeySource source = KmsStub.open(stub.uri(KmsStub.ONE, ""), context)) {
            assertEquals(64, source.newestVersion().length());
        } finally {
            properties.keySet().forEach(System::clearProperty);
            agent.stop(0);
        }
    }

    private Map<String, String> container(int port) {
        Map<String, String> properties = Map.of(
                "aws.containerCredentialsFullUri",
                "http://127.0.0.1:" + port + "/identity",
                "aws.sharedCredentialsFile",
                folder.resolve("none").toString(),
                "aws.configFile",
                folder.resolve("none").toString());
        properties.forEach(System::setProperty);
        return properties;
    }

    /** The SDK waits for it in a way that cannot be ended. */
    @Test
    @Timeout(60)
    void whoIsInterruptedDoesNotWaitForAnIdentity() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Map<String, String> properties = container(silent.getLocalPort());
            try (KeySource source = KmsStub.open(stub.uri(KmsStub.ONE, ""), context)) {
                assertInterruptible(
                        source, () -> silent.accept().getInputStream().read());
            } finally {
                properties.keySet().forEach(System::clearProperty);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "aws-kms:1234abcd-12ab-34cd-56ef-1234567890ab",
                "aws-kms:alias/prod",
                "aws-kms:arn:aws:s3:eu-central-1:111122223333:key/x",
                "aws-kms:arn:aws:kms:eu-central-1:1111:key/x",
                "aws-kms:arn:aws:kms:eu-central-1:111122223333:key/x?endpoint=http://plain",
                "aws-kms:arn:aws:kms:eu-central-1:111122223333:key/x?endpoint=%20",
                "aws-kms:arn:aws:kms:eu-central-1:111122223333:key/x?secret=y",
                "aws-kms:arn:aws-iso:kms:us-iso-east-1:111122223333:key/x"
            })
    void placesThatCannotBeMeantAreRefused(String uri) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse(uri);
        KeySourceException failed =
                assertThrows(KeySourceException.class, () -> new AwsKmsKeySourceProvider().open(spec, context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().startsWith("key source aws-kms:"), failed::getMessage);
    }

    @Test
    void knowsWhereItsRegionsAreAsked() {
        assertEquals(
                "https://kms.eu-central-1.amazonaws.com", endpoint("arn:aws:kms:eu-central-1:111122223333:alias/a/b"));
        assertEquals(
                "https://kms.cn-north-1.amazonaws.com.cn", endpoint("arn:aws-cn:kms:cn-north-1:111122223333:key/x"));
        assertEquals(
                "https://kms.us-gov-west-1.amazonaws.com",
                endpoint("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1"));
    }

    private static String endpoint(String arn) {
        return KeyArn.parse(arn).usualEndpoint();
    }
}

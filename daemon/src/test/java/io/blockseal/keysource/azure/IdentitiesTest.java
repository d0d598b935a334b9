package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.azure.ManagedIdentity.Shape;
import io.blockseal.keysource.azure.TokenServiceStub.Asked;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestConnection;
import io.blockseal.keysource.rest.RestStub.Reply;
import io.blockseal.keysource.rest.TlsFiles;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How we prove to Azure who we are, word for word as it is documented. */
class IdentitiesTest {
    private static final String VAULT = "https://vault.azure.net";
    private static final String TOKEN =
            "{\"access_token\":\"eyJ0.t.k\",\"expires_in\":\"3600\",\"token_type\":\"Bearer\"}";

    private final RestClient rest = new RestClient(
            new RestConnection(HttpClient.newHttpClient(), Duration.ofSeconds(30)),
            new Backoff(1, 1, 0, Backoff.Clock.SYSTEM));
    private final Map<String, String> environment = new HashMap<>();
    private TokenServiceStub service;

    @TempDir
    Path folder;

    @BeforeEach
    void openTheService() throws IOException {
        service = new TokenServiceStub();
    }

    @AfterEach
    void closeTheService() {
        service.close();
    }

    private Identity chosen(String options) throws KeySourceException {
        SourceUri uri =
                SourceUri.of(KeySourceSpec.parse("azure-keyvault:https://prod.vault.azure.net/keys/kek" + options));
        Identity identity = new Identities(uri, environment::get, rest, () -> rest).choose();
        uri.requireAllTaken();
        return identity;
    }

    private Asked asked(String options) throws KeySourceException {
        AccessToken token = chosen(options).fetch(VAULT);
        assertEquals("eyJ0.t.k", token.value());
        return service.last();
    }

    private Path secret(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return file;
    }

    private String application(String identity) {
        return "?identity=" + identity + "&tenant=t-1&client-id=c-1&authority-host=" + service.url();
    }

    @Test
    void aMachineAsksItsMetadataService() throws Exception {
        service.answer(200, TOKEN).answer(200, TOKEN);
        String at = "?identity=managed&identity-endpoint=" + service.url() + "/metadata/identity/oauth2/token";
        Asked one = asked(at);
        assertEquals("/metadata/identity/oauth2/token", one.path());
        assertEquals(Map.of("api-version", "2018-02-01", "resource", VAULT), one.query());
        assertEquals("true", one.header("Metadata"));
        assertEquals("c&1", asked(at + "&client-id=c%261").query().get("client_id"));
    }

    @Test
    void anApplicationOfAppServiceShowsItsHeader() throws Exception {
        service.answer(
                200,
                "{\"access_token\":\"eyJ0.t.k\",\"expires_on\":"
                        + Instant.now().plusSeconds(600).getEpochSecond() + "}");
        environment.put("IDENTITY_ENDPOINT", service.url() + "/msi/token");
        environment.put("IDENTITY_HEADER", "guid-1");
        environment.put("AZURE_CLIENT_ID", "c-1");
        AccessToken token = chosen("").fetch(VAULT);
        assertTrue(token.lifeMillis() > 500_000 && token.lifeMillis() <= 600_000, token::toString);
        assertEquals("/msi/token", service.last().path());
        assertEquals(
                Map.of("api-version", "2019-08-01", "resource", VAULT, "client_id", "c-1"),
                service.last().query());
        assertEquals("guid-1", service.last().header("X-identity-header"));
        assertNull(service.last().header("Metadata"));
    }

    @Test
    void aMachineOfArcShowsWhatItMayRead() throws Exception {
        Path proof = secret("1.key", "read-by-himds");
        Identity arc = new ManagedIdentity(
                rest, Shape.ARC, URI.create(service.url() + "/x"), null, "", new ArcChallenge(folder));
        service.answer(Reply.json(401, "{}").with("WWW-Authenticate", "Basic realm=" + proof))
                .answer(200, TOKEN);
        assertEquals("eyJ0.t.k", arc.fetch(VAULT).value());
        assertEquals("Basic read-by-himds", service.last().header("Authorization"));
        assertEquals("2020-06-01", service.last().query().get("api-version"));
    }

    /** Whoever has taken the place of Arc's agent must not have us read out our files. */
    @Test
    void noOtherFileIsShownToArcsAgent() throws Exception {
        Path tokens = Files.createDirectory(folder.resolve("tokens"));
        Path outside = secret("kek.key", "secret");
        Files.createSymbolicLink(tokens.resolve("link.key"), outside);
        secret("tokens/x.txt", "secret");
        Identity arc = new ManagedIdentity(
                rest, Shape.ARC, URI.create(service.url() + "/x"), null, "", new ArcChallenge(tokens));
        for (String realm : new String[] {
            outside.toString(), tokens + "/../kek.key", tokens + "/link.key", tokens + "/x.txt", tokens + "/missing.key"
        }) {
            service.answer(Reply.json(401, "{}").with("WWW-Authenticate", "Basic realm=" + realm));
            assertThrows(KeySourceException.class, () -> arc.fetch(VAULT), realm);
            assertNull(service.last().header("Authorization"));
        }
        service.answer(401, "{}");
        assertThrows(KeySourceException.class, () -> arc.fetch(VAULT));
    }

    @Test
    void arcIsRecognisedByItsEnvironment() throws Exception {
        environment.put("IDENTITY_ENDPOINT", service.url() + "/metadata/identity/oauth2/token");
        environment.put("IMDS_ENDPOINT", "http://localhost:40342");
        service.answer(200, TOKEN);
        assertEquals("2020-06-01", asked("").query().get("api-version"));
        assertThrows(KeySourceException.class, () -> chosen("?client-id=c-1"));
        environment.remove("IMDS_ENDPOINT");
        assertTrue(assertThrows(KeySourceException.class, () -> chosen(""))
                .getMessage()
                .contains("IDENTITY_HEADER"));
    }

    /** Kubernetes projects the token as a link to a link, and replaces it long before it ends. */
    @Test
    void aWorkloadShowsTheTokenThatLiesThereNow() throws Exception {
        Path data = Files.createDirectory(folder.resolve("..data"));
        Files.writeString(data.resolve("token"), "first.jwt");
        Path link = Files.createSymbolicLink(folder.resolve("token"), data.resolve("token"));
        environment.put("AZURE_FEDERATED_TOKEN_FILE", link.toString());
        environment.put("AZURE_AUTHORITY_HOST", service.url() + "/");
        environment.put("AZURE_TENANT_ID", "t-1");
        environment.put("AZURE_CLIENT_ID", "c-1");
        Identity workload = chosen("");
        service.answer(200, TOKEN).answer(200, TOKEN);
        workload.fetch(VAULT);
        assertEquals("/t-1/oauth2/v2.0/token", service.last().path());
        assertEquals(
                Map.of(
                        "grant_type", "client_credentials",
                        "client_id", "c-1",
                        "scope", VAULT + "/.default",
                        "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                        "client_assertion", "first.jwt"),
                service.last().form());
        Files.writeString(data.resolve("token"), "second.jwt\n");
        workload.fetch(VAULT);
        assertEquals("second.jwt", service.last().form().get("client_assertion"));
        Files.delete(link);
        assertEquals(
                Kind.UNREACHABLE,
                assertThrows(KeySourceException.class, () -> workload.fetch(VAULT))
                        .kind());
    }

    @Test
    void anApplicationSendsItsSecretAsItIs() throws Exception {
        String odd = "p+a s=s&%41~é";
        service.answer(200, TOKEN);
        Asked one = asked(application("secret") + "&client-secret-file=" + secret("s", odd + "\n"));
        assertEquals(odd, one.form().get("client_secret"));
        assertEquals("c-1", one.form().get("client_id"));
        Path open = secret("o", "x");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        KeySourceException refused = assertThrows(
                KeySourceException.class, () -> chosen(application("secret") + "&client-secret-file=" + open)
                        .fetch(VAULT));
        assertTrue(refused.getMessage().contains("client secret file " + open), refused::getMessage);
    }

    @Test
    void anApplicationSignsByTheKeyOfItsCertificate() throws Exception {
        Path both = folder.resolve("app.pem");
        Path cert = folder.resolve("cert.pem");
        Process openssl = new ProcessBuilder(
                        "sh",
                        "-ec",
                        "umask 077; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=app -days 2 -keyout \"$1\" -out"
                                + " \"$2\"; cat \"$2\" >> \"$1\"",
                        "sh",
                        both.toString(),
                        cert.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(openssl.getInputStream().readAllBytes());
        assertEquals(0, openssl.waitFor(), output);
        service.answer(200, TOKEN);
        String assertion = asked(application("certificate") + "&identity-cert-file=" + both)
                .form()
                .get("client_assertion");
        String[] parts = assertion.split("\\.");
        Certificate certificate = TlsFiles.certificates(cert).iterator().next();
        Signature signature = Signature.getInstance("RSASSA-PSS");
        signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        signature.initVerify(certificate);
        signature.update((parts[0] + "." + parts[1]).getBytes());
        assertTrue(signature.verify(Base64.getUrlDecoder().decode(parts[2])));
        JsonNode header = new ObjectMapper().readTree(Base64.getUrlDecoder().decode(parts[0]));
        assertEquals("PS256", header.get("alg").asText());
        assertEquals(
                Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded())),
                header.get("x5t#S256").asText());
        JsonNode claims = new ObjectMapper().readTree(Base64.getUrlDecoder().decode(parts[1]));
        assertEquals(service.url() + "/t-1/oauth2/v2.0/token", claims.get("aud").asText());
        assertEquals("c-1", claims.get("iss").asText());
        assertEquals("c-1", claims.get("sub").asText());
        long left = claims.get("exp").asLong() - Instant.now().getEpochSecond();
        assertTrue(left > 0 && left <= 600, "good for " + left + " s");
    }

    @ParameterizedTest
    @CsvSource({
        "?identity=secret&tenant=t&client-id=c, client-secret-file",
        "?identity=secret&client-id=c&client-secret-file=/s, tenant",
        "?identity=secret&tenant=t&client-secret-file=/s, client-id",
        "?identity=certificate&tenant=t&client-id=c, identity-cert-file",
        "?identity=workload&tenant=t&client-id=c, federated-token-file",
        "?identity=me, none of",
        "?identity=secret&tenant=a/b&client-id=c&client-secret-file=/s, neither an id nor a domain"
    })
    void namesTheOptionThatIsMissing(String options, String words) {
        KeySourceException wrong = assertThrows(KeySourceException.class, () -> chosen(options));
        assertEquals(Kind.MISCONFIGURED, wrong.kind());
        assertTrue(wrong.getMessage().contains(words), wrong::getMessage);
    }

    /** A secret would travel in the open. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://login.example",
                "http://127.0.0.1.example",
                "http://169.254.169.254",
                "https://user@login.example",
                "https://login.example?x=1",
                "https://login.example:70000",
                "login.example",
                "https://"
            })
    void asksNoAuthorityWithoutTls(String authority) {
        assertThrows(
                KeySourceException.class,
                () -> chosen("?identity=secret&tenant=t&client-id=c&client-secret-file=/s&authority-host="
                        + authority.replace("?", "%3F")));
    }

    @ParameterizedTest
    @CsvSource({
        "400, MISCONFIGURED",
        "401, UNREACHABLE",
        "403, UNREACHABLE",
        "404, UNREACHABLE",
        "429, THROTTLED",
        "500, UNREACHABLE"
    })
    void noTokenIsNeverTakenForARevokedKey(int status, Kind kind) throws Exception {
        Identity us = chosen(application("secret") + "&client-secret-file=" + secret("s", "hush-hush"));
        String echoed = "A".repeat(60);
        service.answer(
                status,
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7: " + echoed + "\\u001b[31m\\nTrace\"}");
        KeySourceException none = assertThrows(KeySourceException.class, () -> us.fetch(VAULT));
        assertEquals(kind, none.kind());
        String words = none.getMessage();
        assertTrue(words.contains("HTTP " + status) && words.contains("AADSTS7"), words);
        assertTrue(words.contains(service.url().replaceFirst("http://", "")), words);
        assertFalse(words.contains(echoed) || words.contains("hush") || words.contains("Trace"), words);
        assertTrue(words.chars().noneMatch(Character::isISOControl), words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hello", "{}", "{\"access_token\":\"\"}", "{\"access_token\":\"a\\nb\"}"})
    void whatIsNoTokenIsNotUsed(String answer) throws Exception {
        Identity us = chosen(application("secret") + "&client-secret-file=" + secret("s", "hush"));
        service.answer(200, answer);
        assertEquals(
                Kind.MISCONFIGURED,
                assertThrows(KeySourceException.class, () -> us.fetch(VAULT)).kind());
    }

    @Test
    void whoDoesNotSayForHowLongIsAskedAgainSoon() throws Exception {
        Identity us = chosen(application("secret") + "&client-secret-file=" + secret("s", "hush"));
        service.answer(200, "{\"access_token\":\"t\",\"expires_on\":\"9/14/2026 12:00:00 AM\"}")
                .answer(200, "{\"access_token\":\"t\",\"expires_in\":999999999999}");
        assertEquals(300_000, us.fetch(VAULT).lifeMillis());
        assertEquals(86_400_000, us.fetch(VAULT).lifeMillis());
    }
}

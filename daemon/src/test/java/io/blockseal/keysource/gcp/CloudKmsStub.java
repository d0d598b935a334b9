package io.blockseal.keysource.gcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jwt.SignedJWT;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.RSAPublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.CRC32C;
import java.util.zip.GZIPInputStream;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A stub of Google Cloud KMS and of its token service, made from their REST references: no real one can be had here. It
 * checks who signed for a token and every CRC, really enciphers, and binds what it enciphers to the authenticated data.
 */
final class CloudKmsStub implements Premises {
    static final String RING = "projects/acme-prod/locations/europe-west3/keyRings/disks/cryptoKeys/";
    private static final String ACCOUNT = "volumes@acme-prod.iam.gserviceaccount.com";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NONCE_BYTES = 12;
    /** Made once: it takes a while. */
    static final KeyPair SIGNER = signer();

    private final SecureRandom random = new SecureRandom();
    private final RestStub stub;
    private final Path credentials;
    private final Map<String, CloudKey> keys = new ConcurrentHashMap<>();
    private final CloudKmsAdmin admin = new CloudKmsAdmin(keys, RING);
    private final Map<String, Boolean> tokens = new ConcurrentHashMap<>();
    final List<String> asked = new CopyOnWriteArrayList<>();
    final TokenExchangeStub exchange = new TokenExchangeStub(this::newToken);
    volatile boolean mayDescribe = true;
    /** What is answered instead by the token service; null for a token. */
    volatile Reply instead;
    /** What is answered instead to questions about the key; null for the truth. */
    volatile Reply refusal;
    /** A field of the answer that gets another value. */
    volatile String spoilt = "";

    CloudKmsStub(Path folder) throws Exception {
        keys.put("kek", new CloudKey(RING + "kek"));
        keys.put("other", new CloudKey(RING + "other"));
        stub = RestStub.start(this::answer);
        credentials = credentials(folder.resolve("account.json"), SIGNER);
    }

    private static KeyPair signer() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            return generator.generateKeyPair();
        } catch (Exception impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** A service account's file, as Google's console gives it out. */
    Path credentials(Path file, KeyPair pair) throws IOException {
        return credentials(file, pair, stub.url() + "/token");
    }

    /** Likewise, with another token service. */
    static Path credentials(Path file, KeyPair pair, String tokenService) throws IOException {
        ObjectNode account = JSON.createObjectNode();
        account.put("type", "service_account").put("project_id", "acme-prod").put("private_key_id", "k1");
        account.put(
                "private_key",
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'})
                                .encodeToString(pair.getPrivate().getEncoded())
                        + "\n-----END PRIVATE KEY-----\n");
        account.put("client_email", ACCOUNT).put("client_id", "1234567890").put("token_uri", tokenService);
        Files.writeString(file, account.toString());
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    CloudKey key(String name) {
        return keys.get(name);
    }

    /** The file of the service account that may use the keys. */
    Path account() {
        return credentials;
    }

    String url() {
        return stub.url();
    }

    Path caFile() {
        return stub.caFile();
    }

    String uri(String key, Path account, String more) {
        return "gcp-kms:" + RING + key + "?endpoint=" + stub.url() + "&ca-file=" + stub.caFile() + "&credentials-file="
                + account + more;
    }

    String uri(String key, String more) {
        return uri(key, credentials, more);
    }

    static KeySource open(String uri, KeySourceContext context) throws Exception {
        return new GcpKmsKeySourceProvider(new Backoff(10, 100, 400, Backoff.Clock.SYSTEM))
                .open(KeySourceSpec.parse(uri), context);
    }

    @Override
    public String place() {
        return uri("kek", "");
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return open(uri("kek", ""), context);
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return open(uri("kek", "&timeout-seconds=1"), context);
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return new GcpKmsKeySourceProvider().open(KeySourceSpec.parse(uri("kek", "&timeout-seconds=30")), context);
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return open(uri("other", ""), context);
    }

    @Override
    public boolean can(Trouble trouble) {
        return true;
    }

    @Override
    public void have(Trouble trouble) {
        stub.have(trouble);
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() {
        keys.get("kek").rotate();
    }

    private Reply answer(Ask ask) throws Exception {
        if (ask.path().equals("/token")) {
            return token(ask);
        }
        Reply exchanged = exchange.answer(ask);
        if (exchanged != null) {
            return exchanged;
        }
        asked.add(ask.method() + " " + ask.path());
        if (stub.trouble() == Trouble.UNAUTHENTICATED
                || !tokens.containsKey(ask.header("Authorization").replaceFirst("^Bearer ", ""))) {
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
        }
        if (refusal != null) {
            return refusal;
        }
        String name = ask.path().replaceFirst("^/v1/" + RING.replaceFirst("/$", "/?"), "");
        String key = name.replaceFirst("[/:].*", "");
        // Clients whose transport has no PATCH say so in a header field.
        String override = ask.header("X-HTTP-Method-Override");
        Reply done = admin.answer(ask, override.isEmpty() ? ask.method() : override, name, body(ask));
        if (done != null) {
            return done;
        }
        switch (stub.trouble()) {
            case DISABLED -> {
                return error(
                        400,
                        "FAILED_PRECONDITION",
                        RING + key + "/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.");
            }
            case DELETED -> {
                return error(400, "FAILED_PRECONDITION", "is not enabled, current state is: DESTROYED.");
            }
            case FORBIDDEN -> {
                return error(403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied");
            }
            default -> {
                // In order.
            }
        }
        if (!keys.containsKey(key)) {
            return error(404, "NOT_FOUND", "CryptoKey " + RING + key + " not found.");
        }
        if (ask.method().equals("GET")) {
            return describe(key);
        }
        JsonNode question = JSON.readTree(body(ask));
        for (String field : List.of("plaintext", "ciphertext", "additionalAuthenticatedData")) {
            if (question.has(field + "Crc32c")
                    && !crc(bytes(question, field))
                            .equals(question.path(field + "Crc32c").textValue())) {
                return error(400, "INVALID_ARGUMENT", "The checksum in field " + field + "_crc32c did not match");
            }
        }
        return name.endsWith(":encrypt") ? encrypt(key, question) : decrypt(key, question);
    }

    private Reply token(Ask ask) throws Exception {
        if (instead != null) {
            return instead;
        }
        if (stub.trouble() == Trouble.UNAUTHENTICATED) {
            return Reply.json(200, "{\"access_token\":\"worthless\",\"expires_in\":3600,\"token_type\":\"Bearer\"}");
        }
        String body = new String(ask.body(), StandardCharsets.UTF_8);
        SignedJWT assertion = SignedJWT.parse(body.replaceFirst("(?s).*assertion=([^&]+).*", "$1"));
        boolean signed = assertion.verify(new RSASSAVerifier((RSAPublicKey) SIGNER.getPublic()))
                && assertion.getJWTClaimsSet().getIssuer().equals(ACCOUNT)
                && assertion.getJWTClaimsSet().getStringClaim("scope").endsWith("/auth/cloudkms");
        if (!signed) {
            return Reply.json(400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}");
        }
        String token = newToken();
        return Reply.json(200, "{\"access_token\":\"" + token + "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}");
    }

    private String newToken() {
        String token = "ya29." + UUID.randomUUID();
        tokens.put(token, true);
        return token;
    }

    /** As it was before it was compressed, which clients may do. */
    static byte[] body(Ask ask) throws IOException {
        if (!ask.header("Content-Encoding").equals("gzip")) {
            return ask.body();
        }
        return new GZIPInputStream(new ByteArrayInputStream(ask.body())).readAllBytes();
    }

    static Reply error(int status, String code, String message) {
        ObjectNode error = JSON.createObjectNode().put("code", status);
        error.put("message", message).put("status", code);
        return Reply.json(status, JSON.createObjectNode().set("error", error).toString());
    }

    private Reply describe(String key) {
        if (!mayDescribe) {
            return error(403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeys.get' denied");
        }
        return Reply.json(200, keys.get(key).describe().toString());
    }

    private Reply encrypt(String key, JsonNode question) throws Exception {
        int version = keys.get(key).primary;
        if (!isEnabled(key, version)) {
            return notEnabled(key, version);
        }
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = cipher(Cipher.ENCRYPT_MODE, keys.get(key).version(version).material, nonce, question)
                .doFinal(bytes(question, "plaintext"));
        byte[] blob = ByteBuffer.allocate(1 + NONCE_BYTES + sealed.length)
                .put((byte) version)
                .put(nonce)
                .put(sealed)
                .array();
        ObjectNode answer = JSON.createObjectNode();
        answer.put("name", keys.get(key).nameOf(version));
        answer.put("ciphertext", Base64.getEncoder().encodeToString(blob)).put("ciphertextCrc32c", crc(blob));
        answer.put("verifiedPlaintextCrc32c", question.has("plaintextCrc32c"));
        answer.put("verifiedAdditionalAuthenticatedDataCrc32c", question.has("additionalAuthenticatedDataCrc32c"));
        return spoilt(answer);
    }

    private Reply decrypt(String key, JsonNode question) throws Exception {
        byte[] blob = bytes(question, "ciphertext");
        if (blob[0] < 1 || blob[0] > keys.get(key).versions.size()) {
            return error(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.");
        }
        if (!isEnabled(key, blob[0])) {
            return notEnabled(key, blob[0]);
        }
        byte[] plain;
        try {
            plain = cipher(
                            Cipher.DECRYPT_MODE,
                            keys.get(key).version(blob[0]).material,
                            Arrays.copyOfRange(blob, 1, 1 + NONCE_BYTES),
                            question)
                    .doFinal(blob, 1 + NONCE_BYTES, blob.length - 1 - NONCE_BYTES);
        } catch (AEADBadTagException altered) {
            return error(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct key.");
        }
        if (stub.trouble() == Trouble.SHORT_KEY) {
            plain = Arrays.copyOf(plain, 31);
        }
        ObjectNode answer = JSON.createObjectNode();
        answer.put("plaintext", Base64.getEncoder().encodeToString(plain)).put("plaintextCrc32c", crc(plain));
        return spoilt(answer);
    }

    private boolean isEnabled(String key, int version) {
        return keys.get(key).version(version).state.equals("ENABLED");
    }

    private Reply notEnabled(String key, int version) {
        CloudKey of = keys.get(key);
        return error(
                400,
                "FAILED_PRECONDITION",
                of.nameOf(version) + " is not enabled, current state is: " + of.version(version).state + ".");
    }

    private Reply spoilt(ObjectNode answer) {
        if (answer.has(spoilt)) {
            answer.put(spoilt, "1");
        }
        return Reply.json(200, answer.toString());
    }

    /** In both alphabets of Base64, as JSON of Protocol Buffers may be; Google's own client uses the one for URLs. */
    private static byte[] bytes(JsonNode question, String field) {
        return Base64.getDecoder()
                .decode(question.get(field).asText().replace('-', '+').replace('_', '/'));
    }

    private static String crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Long.toString(crc.getValue());
    }

    private static Cipher cipher(int mode, byte[] key, byte[] nonce, JsonNode question) throws Exception {
        Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
        gcm.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
        if (question.has("additionalAuthenticatedData")) {
            gcm.updateAAD(bytes(question, "additionalAuthenticatedData"));
        }
        return gcm;
    }

    int tokenCount() {
        return tokens.size();
    }

    void forgetTokens() {
        tokens.clear();
    }

    /** What was asked of the key, without its name. */
    List<String> verbs() {
        List<String> verbs = new ArrayList<>();
        asked.forEach(each -> verbs.add(each.startsWith("GET") ? "get" : each.replaceFirst(".*:", "")));
        return verbs;
    }

    @Override
    public void close() throws IOException {
        stub.close();
    }
}

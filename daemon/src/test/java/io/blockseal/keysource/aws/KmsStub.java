package io.blockseal.keysource.aws;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A stub of AWS KMS, made from its API reference: no real one can be had here. It checks signatures, really enciphers, and
 * binds what it enciphers to the encryption context.
 */
public final class KmsStub implements Premises {
    static final String REGION = "eu-central-1";
    static final String ONE = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    static final String OTHER = "arn:aws:kms:eu-central-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";
    static final String KEY_ID = "AKIDEXAMPLE";
    public static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NAME_BYTES = 32;
    private static final int NONCE_BYTES = 12;

    private final SecureRandom random = new SecureRandom();
    private final RestStub stub;
    private final Path credentials;
    /** The materials of each key, newest last, named by 32 bytes of which the first 32 of a blob tell. */
    private final Map<String, List<Material>> keys = new ConcurrentHashMap<>();

    private final AtomicInteger requests = new AtomicInteger();
    final List<String> operations = new CopyOnWriteArrayList<>();
    volatile String keySpec = "SYMMETRIC_DEFAULT";
    volatile boolean tellsMaterial = true;
    volatile boolean mayDescribe = true;
    /** What is answered instead, once for each element. */
    final List<Reply> instead = new CopyOnWriteArrayList<>();

    private record Material(byte[] name, byte[] key) {}

    /** One, with a file of credentials in that folder. */
    public KmsStub(Path folder) throws Exception {
        credentials = credentials(folder, "credentials", "default", SECRET);
        keys.put(ONE, new CopyOnWriteArrayList<>(List.of(material())));
        keys.put(OTHER, new CopyOnWriteArrayList<>(List.of(material())));
        stub = RestStub.start(this::answer);
    }

    static Path credentials(Path folder, String name, String profile, String secret) throws IOException {
        Path file = Files.writeString(
                folder.resolve(name),
                "[" + profile + "]\naws_access_key_id=" + KEY_ID + "\naws_secret_access_key=" + secret + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private Material material() {
        Material material = new Material(new byte[NAME_BYTES], new byte[32]);
        random.nextBytes(material.name());
        random.nextBytes(material.key());
        return material;
    }

    String uri(String arn, String more) {
        return "aws-kms:" + arn + "?endpoint=" + stub.url() + "&ca-file=" + stub.caFile() + "&timeout-seconds=10"
                + more;
    }

    String withCredentials() {
        return "&credentials-file=" + credentials;
    }

    static KeySource open(String uri, KeySourceContext context) throws Exception {
        Backoff brief = new Backoff(10, 100, 400, Backoff.Clock.SYSTEM);
        return AwsKmsKeySourceProvider.open(KeySourceSpec.parse(uri), context, brief);
    }

    @Override
    public String place() {
        return uri(ONE, withCredentials());
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return open(uri(ONE, withCredentials()), context);
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return open(uri(ONE, withCredentials()).replace("timeout-seconds=10", "timeout-seconds=1"), context);
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        String patient = uri(ONE, withCredentials()).replace("timeout-seconds=10", "timeout-seconds=30");
        return AwsKmsKeySourceProvider.open(KeySourceSpec.parse(patient), context, Backoff.DEFAULT);
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return open(uri(OTHER, withCredentials()), context);
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
        keys.get(ONE).add(material());
    }

    private Reply answer(Ask ask) throws Exception {
        String id = "request-" + requests.incrementAndGet();
        return decide(ask).with("x-amzn-RequestId", id);
    }

    private Reply decide(Ask ask) throws Exception {
        String operation = ask.header("X-Amz-Target").replaceFirst("^TrentService\\.", "");
        operations.add(operation);
        if (!ask.method().equals("POST")
                || !ask.path().equals("/")
                || !ask.header("Content-Type").equals("application/x-amz-json-1.1")) {
            return refusal("UnknownOperationException", "");
        }
        String complaint = SignatureCheck.complaint(ask, KEY_ID, SECRET, REGION, "kms");
        if (!complaint.isEmpty()) {
            return refusal(complaint, "The request signature we calculated does not match");
        }
        if (!instead.isEmpty()) {
            return instead.remove(0);
        }
        JsonNode question = JSON.readTree(ask.body());
        String arn = question.get("KeyId").asText();
        switch (stub.trouble()) {
            case DISABLED -> {
                return refusal("DisabledException", arn + " is disabled.");
            }
            case DELETED -> {
                return refusal("KMSInvalidStateException", arn + " is pending deletion.");
            }
            case FORBIDDEN -> {
                return refusal("AccessDeniedException", "User is not authorized to perform: kms:" + operation);
            }
            case UNAUTHENTICATED -> {
                return refusal("UnrecognizedClientException", "The security token included in the request is invalid.");
            }
            default -> {
                // In order.
            }
        }
        if (!keys.containsKey(arn)) {
            return refusal("NotFoundException", "Key '" + arn + "' does not exist");
        }
        return switch (operation) {
            case "DescribeKey" -> describe(arn);
            case "Encrypt" -> encrypt(arn, question);
            case "Decrypt" -> decrypt(arn, question);
            default -> refusal("UnknownOperationException", "");
        };
    }

    static Reply refusal(String type, String message) {
        ObjectNode words = JSON.createObjectNode();
        words.put("__type", type);
        words.put("message", message);
        return Reply.json(400, words.toString());
    }

    private Reply describe(String arn) {
        if (!mayDescribe) {
            return refusal("AccessDeniedException", "User is not authorized to perform: kms:DescribeKey");
        }
        List<Material> all = keys.get(arn);
        ObjectNode metadata = JSON.createObjectNode();
        metadata.put("Arn", arn).put("Enabled", true).put("KeySpec", keySpec).put("KeyState", "Enabled");
        if (tellsMaterial) {
            metadata.put(
                    "CurrentKeyMaterialId",
                    HexFormat.of().formatHex(all.get(all.size() - 1).name()));
        }
        return Reply.json(
                200, JSON.createObjectNode().set("KeyMetadata", metadata).toString());
    }

    private Reply encrypt(String arn, JsonNode question) throws Exception {
        List<Material> all = keys.get(arn);
        Material material = all.get(all.size() - 1);
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = cipher(Cipher.ENCRYPT_MODE, material, nonce, question)
                .doFinal(Base64.getDecoder().decode(question.get("Plaintext").asText()));
        byte[] blob = Arrays.copyOf(material.name(), NAME_BYTES + NONCE_BYTES + sealed.length);
        System.arraycopy(nonce, 0, blob, NAME_BYTES, NONCE_BYTES);
        System.arraycopy(sealed, 0, blob, NAME_BYTES + NONCE_BYTES, sealed.length);
        ObjectNode answer = JSON.createObjectNode();
        answer.put("KeyId", arn).put("EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
        answer.put("CiphertextBlob", Base64.getEncoder().encodeToString(blob));
        return Reply.json(200, answer.toString());
    }

    private Reply decrypt(String arn, JsonNode question) throws Exception {
        byte[] blob = Base64.getDecoder().decode(question.get("CiphertextBlob").asText());
        byte[] name = Arrays.copyOf(blob, NAME_BYTES);
        for (Map.Entry<String, List<Material>> each : keys.entrySet()) {
            for (Material material : each.getValue()) {
                if (Arrays.equals(material.name(), name)) {
                    return each.getKey().equals(arn)
                            ? opened(arn, material, blob, question)
                            : refusal("IncorrectKeyException", "The key ID in the request does not identify a key");
                }
            }
        }
        return refusal("InvalidCiphertextException", "");
    }

    private Reply opened(String arn, Material material, byte[] blob, JsonNode question) throws Exception {
        byte[] nonce = Arrays.copyOfRange(blob, NAME_BYTES, NAME_BYTES + NONCE_BYTES);
        byte[] plain;
        try {
            plain = cipher(Cipher.DECRYPT_MODE, material, nonce, question)
                    .doFinal(blob, NAME_BYTES + NONCE_BYTES, blob.length - NAME_BYTES - NONCE_BYTES);
        } catch (AEADBadTagException altered) {
            return refusal("InvalidCiphertextException", "");
        }
        boolean shorter = stub.trouble() == Trouble.SHORT_KEY;
        ObjectNode answer = JSON.createObjectNode();
        answer.put("KeyId", arn).put("EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
        answer.put("Plaintext", Base64.getEncoder().encodeToString(shorter ? Arrays.copyOf(plain, 31) : plain));
        return Reply.json(200, answer.toString());
    }

    private static Cipher cipher(int mode, Material material, byte[] nonce, JsonNode question) throws Exception {
        Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
        gcm.init(mode, new SecretKeySpec(material.key(), "AES"), new GCMParameterSpec(128, nonce));
        List<String> context = new ArrayList<>();
        JsonNode given = question.path("EncryptionContext");
        given.fieldNames()
                .forEachRemaining(
                        name -> context.add(name + "=" + given.get(name).asText()));
        context.sort(null);
        gcm.updateAAD(context.toString().getBytes(StandardCharsets.UTF_8));
        return gcm;
    }

    @Override
    public void close() throws IOException {
        stub.close();
    }
}

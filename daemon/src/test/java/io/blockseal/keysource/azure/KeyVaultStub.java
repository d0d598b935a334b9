package io.blockseal.keysource.azure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A stub of Key Vault and of Entra ID's token endpoint, written from the documentation of their REST interfaces; what was
 * learned of other emulators is marked so. Microsoft's own client gets along with it, too.
 */
public final class KeyVaultStub implements Premises {
    public static final String SECRET = "s3cr=t&+~-that-is-long-enough-to-look-for";
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    /** The time that passes, but for pauses, which merely count. */
    private static final class Hurry implements Backoff.Clock {
        private final AtomicLong skipped = new AtomicLong();

        @Override
        public long nowMillis() {
            return SYSTEM.nowMillis() + skipped.get();
        }

        @Override
        public void pause(long millis) {
            skipped.addAndGet(millis);
        }
    }

    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, List<StubKey>> keys = new ConcurrentHashMap<>();
    /** For which resource they are. */
    private final Map<String, String> tokens = new ConcurrentHashMap<>();

    private final AtomicInteger pairs = new AtomicInteger();
    private final AtomicInteger tokensAskedFor = new AtomicInteger();
    private final Path secretFile;
    private final RestStub stub;
    private volatile String resource = "https://localhost";
    private volatile Reply refusal;
    private volatile boolean disabledIsBroken;

    /** One, with a file of the client secret in that folder. */
    public KeyVaultStub(Path folder) throws Exception {
        secretFile = Files.writeString(folder.resolve("secret"), SECRET + "\n");
        Files.setPosixFilePermissions(secretFile, PosixFilePermissions.fromString("rw-------"));
        make("one", "RSA");
        make("other", "RSA");
        stub = RestStub.start(this::answer);
    }

    /** A key, or a new version of it. */
    StubKey make(String name, String type) throws GeneralSecurityException {
        StubKey made = type.startsWith("oct") ? StubKey.symmetric() : StubKey.rsa(pairs.getAndIncrement());
        keys.computeIfAbsent(name, unused -> new CopyOnWriteArrayList<>()).add(made);
        return made;
    }

    /** The newest version of a key. */
    StubKey newest(String name) {
        List<StubKey> versions = keys.get(name);
        return versions.get(versions.size() - 1);
    }

    /** Wants tokens for that from now on, and says so. */
    void wantTokensFor(String other) {
        resource = other;
    }

    /** Answers every question about keys so from now on; null for what it should. */
    void refuse(Reply always) {
        refusal = always;
    }

    /** Has it say 500 where a key is disabled, and 404 if asked about it: another emulator does. */
    void callDisabledBroken() {
        disabledIsBroken = true;
    }

    /** No token of before is good any more. */
    void forgetTokens() {
        tokens.clear();
    }

    /** How many tokens were asked for. */
    int tokensAskedFor() {
        return tokensAskedFor.get();
    }

    /** Where it is, and whom to trust. */
    RestStub server() {
        return stub;
    }

    /** A token without asking. */
    String issue(String wanted) {
        String token = UUID.randomUUID().toString();
        tokens.put(token, wanted);
        return token;
    }

    private Reply answer(Ask ask) throws Exception {
        if (ask.path().equals("/tenant-1/oauth2/v2.0/token")) {
            tokensAskedFor.incrementAndGet();
            return token(RestStub.form(new String(ask.body())));
        }
        String token = ask.header("Authorization").replaceFirst("^Bearer ", "");
        if (!resource.equals(tokens.get(token)) || stub.trouble() == Trouble.UNAUTHENTICATED) {
            return error(401, "Unauthorized", "", "AKV10000: Request is missing a Bearer or PoP token.")
                    .with(
                            "WWW-Authenticate",
                            "Bearer authorization=\"https://login.example/tenant-1\", resource=\"" + resource + "\"");
        }
        Reply always = refusal;
        if (always != null) {
            return always;
        }
        if (!"7.4".equals(ask.query().get("api-version"))) {
            return error(400, "BadParameter", "", "api-version");
        }
        if (stub.trouble() == Trouble.FORBIDDEN) {
            return error(
                    403, "Forbidden", "ForbiddenByRbac", "Caller is not authorized to perform action on resource.");
        }
        String[] path = ask.path().split("/");
        JsonNode question = ask.body().length == 0 ? json.createObjectNode() : json.readTree(ask.body());
        String last = path[path.length - 1].toLowerCase(Locale.ROOT);
        if (ask.method().equals("POST") && last.equals("create")) {
            make(path[2], question.get("kty").asText());
            return change(path[2], newest(path[2]), question);
        }
        List<StubKey> versions = keys.get(path[2]);
        if (versions == null || stub.trouble() == Trouble.DELETED) {
            return error(404, "KeyNotFound", "", "A key with this name was not found in this key vault.");
        }
        if (ask.method().equals("POST") && last.equals("rotate")) {
            return describe(path[2], make(path[2], newest(path[2]).type));
        }
        if (ask.method().equals("POST") && path.length == 4) {
            return error(405, "MethodNotAllowed", "", "The request method is not allowed here.");
        }
        StubKey key = path.length == 3
                ? newest(path[2])
                : versions.stream()
                        .filter(one -> one.id.equals(path[3]))
                        .findFirst()
                        .orElse(null);
        if (key == null) {
            return error(404, "KeyNotFound", "", "A key with this version was not found in this key vault.");
        }
        return switch (ask.method()) {
            case "GET" -> describe(path[2], key);
            case "PATCH" -> change(path[2], key, question);
            default -> use(path[2], key, last, question);
        };
    }

    private boolean isEnabled(StubKey key) {
        return key.enabled && stub.trouble() != Trouble.DISABLED;
    }

    private Reply describe(String name, StubKey key) {
        if (!isEnabled(key) && disabledIsBroken) {
            return error(404, "NotFound", "", "Operation get is not allowed on a disabled entity.");
        }
        return Reply.json(
                200,
                key.describe(kid(name, key)).toString().replace("\"enabled\":true", "\"enabled\":" + isEnabled(key)));
    }

    private Reply change(String name, StubKey key, JsonNode question) {
        if (question.at("/attributes/enabled").isBoolean()) {
            key.enabled = question.at("/attributes/enabled").asBoolean();
        }
        if (!question.path("key_ops").isEmpty()) {
            List<String> operations = new ArrayList<>();
            question.get("key_ops").forEach(each -> operations.add(each.asText()));
            key.operations = operations;
        }
        return describe(name, key);
    }

    private Reply use(String name, StubKey key, String operation, JsonNode question) {
        if (!isEnabled(key)) {
            String words = "Operation " + operation + " is not allowed on a disabled key.";
            return disabledIsBroken
                    ? error(500, "IllegalState", "", words)
                    : error(403, "Forbidden", "KeyDisabled", words);
        }
        if (key.operations.stream().noneMatch(operation::equalsIgnoreCase)) {
            return error(403, "Forbidden", "", "Operation " + operation + " is not permitted on this key.");
        }
        boolean wrap = operation.equals("wrapkey");
        byte[] result;
        try {
            result = key.use(
                    wrap,
                    question.get("alg").asText(),
                    Base64.getUrlDecoder().decode(question.get("value").asText()));
        } catch (GeneralSecurityException | IllegalArgumentException undecipherable) {
            return error(400, "BadParameter", "", "The parameter is incorrect.");
        }
        if (!wrap && stub.trouble() == Trouble.SHORT_KEY) {
            result = Arrays.copyOf(result, 31);
        }
        return Reply.json(
                        200,
                        json.createObjectNode()
                                .put("kid", kid(name, key))
                                .put("value", BASE64.encodeToString(result))
                                .toString())
                .with("x-ms-request-id", "request-1");
    }

    private Reply token(Map<String, String> form) {
        if (stub.trouble() == Trouble.UNAUTHENTICATED || !SECRET.equals(form.get("client_secret"))) {
            return Reply.json(401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: wrong\"}");
        }
        if (!"client_credentials".equals(form.get("grant_type")) || !"app-1".equals(form.get("client_id"))) {
            return Reply.json(400, "{\"error\":\"invalid_request\"}");
        }
        String token = issue(form.get("scope").replaceFirst("/\\.default$", ""));
        return Reply.json(200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" + token + "\"}");
    }

    private String kid(String name, StubKey key) {
        return stub.url() + "/keys/" + name + "/" + key.id;
    }

    /** What a vault says is wrong. */
    static Reply error(int status, String code, String inner, String words) {
        return Reply.json(
                status,
                "{\"error\":{\"code\":\"" + code + "\",\"message\":\"" + words + "\",\"innererror\":{\"code\":\""
                        + inner + "\"}}}");
    }

    /** All tokens that it has given out and not forgotten. */
    public Set<String> tokens() {
        return Set.copyOf(tokens.keySet());
    }

    private String uri(String name) {
        return "azure-keyvault:" + stub.url() + "/keys/" + name + "?identity=secret&tenant=tenant-1&client-id=app-1"
                + "&client-secret-file=" + secretFile + "&authority-host=" + stub.url() + "&ca-file=" + stub.caFile();
    }

    @Override
    public String place() {
        return uri("one");
    }

    /** A source of a key, with further options. */
    KeySource source(KeySourceContext context, String name, String options) throws Exception {
        return AzureKeySourceProvider.open(
                KeySourceSpec.parse(uri(name) + options), context, new Backoff(10, 100, 900, new Hurry()));
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return source(context, "one", "&timeout-seconds=10");
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context, "one", "&timeout-seconds=1");
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return source(context, "one", "&timeout-seconds=60");
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return source(context, "other", "&timeout-seconds=10");
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
    public void rotate() throws Exception {
        make("one", "RSA");
    }

    @Override
    public void close() throws IOException {
        stub.close();
    }
}

package io.blockseal.keysource.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Vault server as its API documentation has it, as far as we use it: tokens with policies and leases, the auth methods
 * AppRole, Kubernetes and certificate, and the transit engine. A stub: no disk, no seal, no cluster; but it really
 * enciphers, and asks for a token that may. Answers are in the words of OpenBao 2.x.
 */
public final class VaultStub implements RestStub.Handler {
    static final String ROOT = "hvs.root";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern RULE = Pattern.compile("path \"([^\"]+)\"\\s*\\{\\s*capabilities = \\[([^]]*)]");

    private record Token(List<String> policies, long ttl, boolean renewable) {}

    private final Map<String, Map<String, String>> policies = new ConcurrentHashMap<>();
    private final Map<String, Token> tokens = new ConcurrentHashMap<>();
    private final Map<String, TransitStub> mounts = new ConcurrentHashMap<>();
    private final Map<String, String> secretIds = new ConcurrentHashMap<>();
    private final Map<String, String> roles = new ConcurrentHashMap<>();
    /** Who may log in by Kubernetes: JWT by role. */
    final Map<String, String> jwts = new ConcurrentHashMap<>();

    /** How often each path was asked for. */
    final Map<String, Integer> asked = new ConcurrentHashMap<>();

    final AtomicInteger logins = new AtomicInteger();
    final Set<String> renewed = ConcurrentHashMap.newKeySet();
    final Semaphore renewals = new Semaphore(0);
    /** What tokens may do that are given for a JWT or a certificate. */
    volatile String loginPolicy = "";

    volatile long ttlSeconds = 3600;
    volatile boolean renewable = true;
    volatile String namespace = "";
    volatile String lastRequestId = "";
    /** What to answer instead, if it is asked for something that begins with {@link #insteadUnder}. */
    volatile Reply instead;

    volatile String insteadUnder = "";
    /** How long each answer takes. */
    volatile long latencyMillis;
    /** Whether plaintexts lose a byte. */
    volatile boolean shortens;

    /** One that knows nobody but its administrator. */
    public VaultStub() {
        tokens.put(ROOT, new Token(List.of("root"), 0, false));
        policies.put("default", Map.of("auth/token/lookup-self", "read", "auth/token/renew-self", "update"));
    }

    /**
     * Serves until its standard input ends: what {@code scripts/test-vault} and an operator's commands can be tried on where
     * no real server is. Its administrator's token is {@link #ROOT}; an argument says how many milliseconds each answer takes.
     */
    public static void main(String[] arguments) throws Exception {
        VaultStub stub = new VaultStub();
        stub.latencyMillis = arguments.length == 0 ? 0 : Long.parseLong(arguments[0]);
        try (RestStub rest = RestStub.start(stub)) {
            System.out.println(rest.url() + " " + rest.caFile());
            while (System.in.read() >= 0) {}
        }
    }

    /** All tokens that it has given out and not forgotten, the administrator's left out. */
    public Set<String> tokens() {
        Set<String> given = new HashSet<>(tokens.keySet());
        given.remove(ROOT);
        return given;
    }

    /** The server takes a token no more, as if it had been revoked, or its lease were over. */
    void forgetTokens() {
        tokens.keySet().removeIf(token -> !token.equals(ROOT));
    }

    @Override
    public Reply answer(Ask ask) throws Exception {
        return answer(ask, false);
    }

    /** Likewise for somebody who has shown a certificate that we trust. */
    Reply answer(Ask ask, boolean certified) throws Exception {
        asked.merge(ask.path().replaceFirst("^/v1/", ""), 1, Integer::sum);
        Thread.sleep(latencyMillis);
        if (instead != null && ask.path().startsWith("/v1/" + insteadUnder)) {
            return instead;
        }
        if (!ask.path().startsWith("/v1/")) {
            return errors(404);
        }
        if (!ask.header("X-Vault-Namespace").equals(namespace)
                && !ask.header("X-Vault-Token").equals(ROOT)) {
            return errors(404, "namespace not found");
        }
        String path = ask.path().substring(4);
        JsonNode body = ask.body().length == 0 ? JSON.createObjectNode() : JSON.readTree(ask.body());
        Matcher login = Pattern.compile("auth/([^/]+)/login").matcher(path);
        if (login.matches()) {
            return login(login.group(1), body, certified);
        }
        Token token = tokens.get(ask.header("X-Vault-Token"));
        if (token == null) {
            return errors(403, "permission denied");
        }
        if (!may(token, ask.method(), path)) {
            return errors(403, "1 error occurred:\n\t* permission denied\n\n");
        }
        return system(ask, path, token, body);
    }

    private boolean may(Token token, String method, String path) {
        if (token.policies().contains("root")) {
            return true;
        }
        String needed = method.equals("GET") ? "read" : method.equals("DELETE") ? "delete" : "update";
        Matcher encrypt = Pattern.compile("([^/]+)/encrypt/([^/]+)").matcher(path);
        if (encrypt.matches()
                && mounts.containsKey(encrypt.group(1))
                && !mounts.get(encrypt.group(1)).has(encrypt.group(2))) {
            needed = "create";
        }
        for (String policy : token.policies()) {
            if (policies.getOrDefault(policy, Map.of()).getOrDefault(path, "").contains(needed)) {
                return true;
            }
        }
        return false;
    }

    private Reply system(Ask ask, String path, Token token, JsonNode body) throws Exception {
        if (path.startsWith("sys/policies/acl/")) {
            Map<String, String> rules = new HashMap<>();
            Matcher rule = RULE.matcher(body.path("policy").asText());
            while (rule.find()) {
                rules.put(rule.group(1), rule.group(2));
            }
            policies.put(path.substring("sys/policies/acl/".length()), rules);
            return none();
        }
        if (path.startsWith("sys/mounts/") && ask.method().equals("DELETE")) {
            mounts.remove(path.substring("sys/mounts/".length()));
            return none();
        }
        if (path.startsWith("sys/mounts/")) {
            return mounts.putIfAbsent(path.substring("sys/mounts/".length()), new TransitStub()) == null
                    ? none()
                    : errors(400, "path is already in use at " + path);
        }
        if (path.startsWith("sys/auth/")) {
            return none();
        }
        if (path.matches("auth/approle[^/]*/role/.*")) {
            return role(path.replaceFirst("auth/approle[^/]*/role/", ""), body);
        }
        switch (path) {
            case "auth/token/create":
                String policy = body.path("policies")
                        .path(0)
                        .asText(body.path("policies").asText());
                return auth(List.of("default", policy));
            case "auth/token/lookup-self":
                ObjectNode whole = envelope();
                ObjectNode data = whole.putObject("data")
                        .put("accessor", "a-" + ask.header("X-Vault-Token").hashCode())
                        .put("creation_time", 1_800_000_000)
                        .put("creation_ttl", token.ttl())
                        .put("display_name", "token")
                        .put("explicit_max_ttl", 0)
                        .put("id", ask.header("X-Vault-Token"))
                        .put("num_uses", 0)
                        .put("orphan", false)
                        .put("path", "auth/token/create")
                        .put("ttl", token.ttl())
                        .put("type", "service")
                        .put("renewable", token.renewable());
                token.policies().forEach(data.putArray("policies")::add);
                return Reply.json(200, whole.toString());
            case "auth/token/renew-self":
                renewed.add(ask.header("X-Vault-Token"));
                renewals.release();
                return auth(ask.header("X-Vault-Token"), token);
            default:
                int slash = path.indexOf('/');
                TransitStub mount = slash < 0 ? null : mounts.get(path.substring(0, slash));
                if (mount == null) {
                    return errors(404, "no handler for route \"" + path + "\". route entry not found.");
                }
                return transit(mount.answer(ask.method(), path.substring(slash + 1), body));
        }
    }

    private Reply transit(Reply reply) throws Exception {
        if (reply.body().length == 0) {
            return reply;
        }
        JsonNode whole = JSON.readTree(reply.body());
        lastRequestId = whole.path("request_id").asText();
        String plaintext = whole.path("data").path("plaintext").asText();
        if (shortens && !plaintext.isEmpty()) {
            ((ObjectNode) whole.path("data")).put("plaintext", plaintext.substring(0, 40));
            return Reply.json(200, whole.toString());
        }
        return reply;
    }

    /** {@code NAME}, {@code NAME/role-id} or {@code NAME/secret-id}. */
    private Reply role(String path, JsonNode body) {
        String name = path.replaceFirst("/.*", "");
        ObjectNode whole = envelope();
        if (path.endsWith("/role-id")) {
            whole.putObject("data").put("role_id", "id-of-" + name);
        } else if (path.endsWith("/secret-id")) {
            String secret = UUID.randomUUID().toString();
            secretIds.put(secret, name);
            whole.putObject("data").put("secret_id", secret);
        } else {
            roles.put(name, body.path("token_policies").asText());
            return none();
        }
        return Reply.json(200, whole.toString());
    }

    private Reply login(String method, JsonNode body, boolean certified) {
        String granted = loginPolicy;
        switch (method.replaceFirst("-.*", "")) {
            case "approle":
                String role = secretIds.get(body.path("secret_id").asText());
                if (role == null || !body.path("role_id").asText().equals("id-of-" + role)) {
                    return errors(400, "invalid role or secret ID");
                }
                granted = roles.get(role);
                break;
            case "kubernetes":
                if (!body.path("jwt").asText().equals(jwts.get(body.path("role").asText()))) {
                    return errors(403, "permission denied");
                }
                break;
            case "cert":
                if (!certified) {
                    return errors(400, "invalid certificate or no client certificate supplied");
                }
                break;
            default:
                return errors(404, "no handler for route \"auth/" + method + "/login\". route entry not found.");
        }
        logins.incrementAndGet();
        return auth(List.of("default", granted));
    }

    private Reply auth(List<String> granted) {
        String text = "hvs." + UUID.randomUUID();
        Token token = new Token(granted, ttlSeconds, renewable);
        tokens.put(text, token);
        return auth(text, token);
    }

    private static Reply auth(String text, Token token) {
        ObjectNode whole = envelope();
        ObjectNode auth = whole.putObject("auth")
                .put("client_token", text)
                .put("accessor", "a-" + text.hashCode())
                .put("lease_duration", token.ttl())
                .put("renewable", token.renewable())
                .put("token_type", "service");
        ArrayNode policies = auth.putArray("policies");
        token.policies().forEach(policies::add);
        return Reply.json(200, whole.toString());
    }

    /** What is around every answer that is none of an error. */
    static ObjectNode envelope() {
        ObjectNode whole = JSON.createObjectNode();
        whole.put("request_id", UUID.randomUUID().toString())
                .put("lease_id", "")
                .put("renewable", false)
                .put("lease_duration", 0);
        whole.putNull("data");
        whole.putNull("wrap_info");
        whole.putNull("warnings");
        whole.putNull("auth");
        return whole;
    }

    static Reply errors(int status, String... words) {
        ObjectNode whole = JSON.createObjectNode();
        ArrayNode errors = whole.putArray("errors");
        for (String each : words) {
            errors.add(each);
        }
        return Reply.json(status, whole.toString());
    }

    private static Reply none() {
        return new Reply(204, Map.of(), new byte[0]);
    }
}

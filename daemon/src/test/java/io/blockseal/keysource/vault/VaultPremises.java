package io.blockseal.keysource.vault;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestConnection;
import io.blockseal.keysource.rest.RestStub;
import io.github.jopenlibs.vault.Vault;
import io.github.jopenlibs.vault.VaultConfig;
import io.github.jopenlibs.vault.VaultException;
import io.github.jopenlibs.vault.response.LogicalResponse;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * A Vault or OpenBao server, a real one or the stub, in which everything is set up over its API by a client that others
 * wrote: a transit mount, keys, a policy, an AppRole. What no API can bring about is left to the stub.
 */
public final class VaultPremises implements Premises {
    static final Backoff IMPATIENT = new Backoff(10, 20, 60, Backoff.Clock.SYSTEM);

    private static HttpClient shared;
    private static Path sharedTrust;

    /** Unique, since a real server may have served others before. */
    final String id = "bs-" + UUID.randomUUID().toString().substring(0, 8);

    final Path folder;
    final Path tokenFile;
    final String url;
    private final Path caFile;
    private final RestStub rest;
    private final VaultStub stub;
    private final HttpClient http;
    private final Vault admin;
    private String token = "";
    private String backup = "";

    /** A real server. */
    VaultPremises(Path folder, String url, Path caFile, String adminToken) throws Exception {
        this(folder, url, caFile, adminToken, null, null);
    }

    /** The stub. */
    public VaultPremises(Path folder, RestStub rest, VaultStub stub) throws Exception {
        this(folder, rest.url(), rest.caFile(), VaultStub.ROOT, rest, stub);
    }

    private VaultPremises(Path folder, String url, Path caFile, String adminToken, RestStub rest, VaultStub stub)
            throws Exception {
        this.folder = folder;
        this.url = url;
        this.caFile = caFile;
        this.rest = rest;
        this.stub = stub;
        this.tokenFile = folder.resolve("token");
        this.http = http(caFile);
        this.admin = client(adminToken);
        write("sys/mounts/" + id, Map.of("type", "transit"));
        write(id + "/keys/one", Map.of("derived", true));
        allow(true);
        token = newToken();
        secret(tokenFile, token);
    }

    /** Of its own the others' client would make one, and a connection, for each question. */
    private static synchronized HttpClient http(Path caFile) throws KeySourceException {
        if (shared == null || !Objects.equals(caFile, sharedTrust)) {
            String place = "vault:x" + (caFile == null ? "" : "?ca-file=" + caFile);
            shared = RestConnection.of(SourceUri.of(KeySourceSpec.parse(place))).http();
            sharedTrust = caFile;
        }
        return shared;
    }

    /** A client that others wrote, as whoever has that token. */
    Vault client(String as) throws VaultException {
        VaultConfig config = new VaultConfig().address(url).engineVersion(1).httpClient(http);
        if (!as.isEmpty()) {
            config.token(as);
        }
        return Vault.create(config.build());
    }

    /** Writes as the administrator. */
    LogicalResponse write(String path, Map<String, Object> body) throws VaultException {
        LogicalResponse answer = admin.logical().write(path, body);
        int status = answer.getRestResponse().getStatus();
        if (status / 100 != 2) {
            throw new VaultException(path + ": HTTP " + status + " "
                    + new String(answer.getRestResponse().getBody()));
        }
        return answer;
    }

    Vault admin() {
        return admin;
    }

    private void allow(boolean all) throws VaultException {
        allow(all ? new String[] {"encrypt", "decrypt", "rewrap"} : new String[0]);
    }

    /** Lets us do these things with the keys, and look at them, but nothing else. */
    void allow(String... operations) throws VaultException {
        StringBuilder rules = new StringBuilder();
        for (String key : new String[] {"one", "other", "plain", "open"}) {
            for (String operation : operations) {
                rules.append(rule(operation + "/" + key, "update"));
            }
            if (operations.length > 0) {
                rules.append(rule("keys/" + key, "read"));
            }
        }
        rules.append(rule("nothing", "read"));
        write("sys/policies/acl/" + id, Map.of("policy", rules.toString()));
    }

    private String rule(String path, String capability) {
        return "path \"" + id + "/" + path + "\" { capabilities = [\"" + capability + "\"] }\n";
    }

    String newToken() throws VaultException {
        // The client's own createToken has no place for a list of policies that all versions of the API take.
        return tokenOf(write("auth/token/create", Map.of("policies", id, "ttl", "1h")));
    }

    private static String tokenOf(LogicalResponse answer) {
        String text = new String(answer.getRestResponse().getBody());
        return text.replaceFirst("(?s).*\"client_token\"\\s*:\\s*\"([^\"]+)\".*", "$1");
    }

    static void secret(Path file, String text) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".next");
        Files.deleteIfExists(next);
        Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(next, text + "\n");
        Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Options by which an AppRole made for this purpose logs in. */
    public String appRole(Object tokenTtl) throws Exception {
        String mount = "approle-" + id;
        write("sys/auth/" + mount, Map.of("type", "approle"));
        write("auth/" + mount + "/role/" + id, Map.of("token_policies", id, "token_ttl", tokenTtl));
        String role = admin.logical()
                .read("auth/" + mount + "/role/" + id + "/role-id")
                .getData()
                .get("role_id");
        String secret = write("auth/" + mount + "/role/" + id + "/secret-id", Map.of("metadata", "{}"))
                .getData()
                .get("secret_id");
        secret(folder.resolve("secret-id"), secret);
        return "auth=approle&auth-mount=" + mount + "&role-id=" + role + "&secret-id-file="
                + folder.resolve("secret-id");
    }

    /** A source of some key, with these options. */
    KeySource source(KeySourceContext context, String key, String options) throws KeySourceException {
        return new VaultKeySourceProvider(IMPATIENT)
                .open(
                        KeySourceSpec.parse(uri(
                                key, options.contains("timeout-seconds") ? options : "timeout-seconds=10&" + options)),
                        context);
    }

    /** What an operator would write. */
    public String uri(String key, String options) {
        return "vault-transit:" + url + "/" + id + "/" + key + "?" + options
                + (caFile == null ? "" : "&ca-file=" + caFile);
    }

    @Override
    public String place() {
        return uri("one", "token-file=" + tokenFile);
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return source(context, "one", "token-file=" + tokenFile);
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context, "one", "timeout-seconds=1&token-file=" + tokenFile);
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return new VaultKeySourceProvider().open(KeySourceSpec.parse(uri("one", "token-file=" + tokenFile)), context);
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        write(id + "/keys/other", Map.of("derived", true));
        return source(context, "other", "token-file=" + tokenFile);
    }

    @Override
    public boolean can(Trouble trouble) {
        return switch (trouble) {
            case NONE, DELETED, FORBIDDEN, UNAUTHENTICATED -> true;
            // A key of the transit engine cannot be disabled, only taken out of what decrypts.
            case DISABLED -> false;
            default -> rest != null;
        };
    }

    @Override
    public void have(Trouble trouble) throws Exception {
        if (rest != null) {
            rest.have(trouble);
            stub.shortens = trouble == Trouble.SHORT_KEY;
        }
        switch (trouble) {
            case DELETED -> {
                write(
                        id + "/keys/one/config",
                        Map.of("exportable", true, "allow_plaintext_backup", true, "deletion_allowed", true));
                backup = admin.logical().read(id + "/backup/one").getData().get("backup");
                admin.logical().delete(id + "/keys/one");
            }
            case FORBIDDEN -> allow(false);
            case UNAUTHENTICATED -> secret(tokenFile, "hvs.nobody");
            case NONE -> {
                if (!backup.isEmpty()) {
                    write(id + "/restore/one", Map.of("backup", backup));
                    backup = "";
                }
                allow(true);
                secret(tokenFile, token);
            }
            default -> {}
        }
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() throws Exception {
        write(id + "/keys/one/rotate", Map.of());
    }

    @Override
    public void close() throws Exception {
        if (rest != null) {
            rest.have(Trouble.NONE);
        } else {
            admin.logical().delete("sys/mounts/" + id);
            admin.logical().delete("sys/policies/acl/" + id);
            admin.logical().delete("sys/auth/approle-" + id);
        }
    }
}

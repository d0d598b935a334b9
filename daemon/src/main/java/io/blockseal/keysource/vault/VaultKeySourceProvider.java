package io.blockseal.keysource.vault;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code vault-transit:https://HOST:8200/MOUNT/KEY?auth=approle&role-id=R&secret-id-file=/FILE&namespace=N}. */
public final class VaultKeySourceProvider implements KeySourceProvider {
    private static final int REFERENCE_BYTES_MAX = 256;
    private static final String MOUNT = "[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*";
    private static final String KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    private final Backoff backoff;

    /** As patient as all sources. */
    public VaultKeySourceProvider() {
        this(Backoff.DEFAULT);
    }

    VaultKeySourceProvider(Backoff backoff) {
        this.backoff = backoff;
    }

    @Override
    public List<String> schemes() {
        return List.of("vault-transit");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        URI address = address(uri);
        String path = address.getPath().substring(1);
        int slash = path.lastIndexOf('/');
        String namespace = uri.text("namespace", "");
        if (!namespace.isEmpty() && !namespace.matches(MOUNT + "/?")) {
            throw uri.wrong("has namespace=" + namespace + ", which is not NAME or NAME/NAME");
        }
        VaultIdentity identity = identity(uri);
        RestConnection connection = RestConnection.of(uri);
        uri.requireAllTaken();
        VaultServer server = new VaultServer(new RestClient(connection, backoff), address.resolve("/"), namespace);
        VaultSession session = new VaultSession(server, identity, backoff.clock());
        return new VaultKeySource(
                uri.reference(), path.substring(0, slash), path.substring(slash + 1), server, session, context);
    }

    private static URI address(SourceUri uri) throws KeySourceException {
        URI address;
        try {
            address = new URI(uri.address());
        } catch (URISyntaxException malformed) {
            throw uri.wrong("is not vault-transit:https://HOST:PORT/MOUNT/KEY");
        }
        String path = address.getRawPath();
        String host = address.getHost();
        if (host == null
                || address.getUserInfo() != null
                || address.getFragment() != null
                || path == null
                || !path.matches("/" + MOUNT)
                || path.indexOf('/', 1) < 0) {
            throw uri.wrong("is not vault-transit:https://HOST:PORT/MOUNT/KEY");
        }
        if (path.startsWith("/v1/")) {
            throw uri.wrong("begins its path with v1; leave that out, we add it");
        }
        if ("http".equals(address.getScheme()) && !isLoopback(host)) {
            throw uri.wrong("would send keys to another machine without TLS; write https://");
        }
        if (!"http".equals(address.getScheme()) && !"https".equals(address.getScheme())) {
            throw uri.wrong("is neither https:// nor, on this machine, http://");
        }
        if (uri.reference().getBytes(StandardCharsets.UTF_8).length > REFERENCE_BYTES_MAX) {
            throw uri.wrong("is longer than " + REFERENCE_BYTES_MAX + " bytes, for which a key slot has room");
        }
        return address;
    }

    /** By its text alone: what a name resolves to may change. */
    private static boolean isLoopback(String host) {
        return host.equals("localhost") || host.equals("[::1]") || host.matches("127(\\.\\d{1,3}){3}");
    }

    private static VaultIdentity identity(SourceUri uri) throws KeySourceException {
        String auth = uri.word("auth", "token", "token", "approle", "kubernetes", "cert");
        return switch (auth) {
            case "approle" -> appRole(uri, auth);
            case "kubernetes" -> kubernetes(uri, auth);
            case "cert" -> certificate(uri, auth);
            default -> new TokenFile(Path.of(require(uri, "token-file", auth)));
        };
    }

    private static VaultIdentity appRole(SourceUri uri, String auth) throws KeySourceException {
        String role = require(uri, "role-id", auth);
        Path secretId = Path.of(require(uri, "secret-id-file", auth));
        return new LoginMethod(mount(uri, auth), question -> question.text("role_id", role)
                .text("secret_id", TokenFile.secret(secretId, "secret ID file")));
    }

    private static VaultIdentity kubernetes(SourceUri uri, String auth) throws KeySourceException {
        String role = require(uri, "role", auth);
        Path given = uri.path("jwt-file");
        Path file = given == null ? Path.of(KUBERNETES_TOKEN) : given;
        return new LoginMethod(mount(uri, auth), question -> addProjected(question.text("role", role), file));
    }

    private static VaultIdentity certificate(SourceUri uri, String auth) throws KeySourceException {
        require(uri, "client-cert-file", auth);
        String role = uri.text("role");
        return new LoginMethod(mount(uri, auth), question -> addName(question, role));
    }

    /** The platform's own file, a symbolic link that it turns to another one from time to time, readable as it likes. */
    private static void addProjected(KeyDocument question, Path file) throws KeySourceException {
        byte[] line = FirstLine.ofFile(file).read();
        try {
            question.text("jwt", new String(line, StandardCharsets.ISO_8859_1).strip());
        } finally {
            Arrays.fill(line, (byte) 0);
        }
    }

    /** Without a name the server tries all roles whose authority has signed our certificate. */
    private static void addName(KeyDocument question, @Nullable String name) {
        if (name != null) {
            question.text("name", name);
        }
    }

    private static String mount(SourceUri uri, String auth) throws KeySourceException {
        String mount = uri.text("auth-mount", auth);
        if (!mount.matches(MOUNT)) {
            throw uri.wrong("has auth-mount=" + mount + ", which is not a path like " + auth);
        }
        return mount;
    }

    private static String require(SourceUri uri, String option, String auth) throws KeySourceException {
        String value = option.endsWith("-file") ? text(uri.path(option)) : uri.text(option);
        if (value == null || value.isEmpty()) {
            throw uri.wrong("needs " + option + "=, as auth=" + auth);
        }
        return value;
    }

    private static @Nullable String text(@Nullable Path path) {
        return path == null ? null : path.toString();
    }
}

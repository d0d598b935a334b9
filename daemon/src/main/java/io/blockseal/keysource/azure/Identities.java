package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceContext.Environment;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.azure.ManagedIdentity.Shape;
import io.blockseal.keysource.rest.RestClient;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which identity the options of a place and the environment mean. Nothing is tried out: the same options in the same place
 * mean the same identity each time.
 */
final class Identities {
    private static final String IMDS = "http://169.254.169.254/metadata/identity/oauth2/token";
    private static final String AUTHORITY = "https://login.microsoftonline.com";

    private final SourceUri uri;
    private final Environment environment;
    private final RestClient rest;
    private final Supplier<RestClient> local;

    /**
     * Identities as {@code uri} and the environment have them.
     *
     * @param rest reaches Entra ID
     * @param local reaches what stands beside this machine, through no proxy
     */
    Identities(SourceUri uri, Environment environment, RestClient rest, Supplier<RestClient> local) {
        this.uri = uri;
        this.environment = environment;
        this.rest = rest;
        this.local = local;
    }

    /** The identity. */
    Identity choose() throws KeySourceException {
        String which = uri.word("identity", "default", "default", "managed", "workload", "secret", "certificate");
        return switch (which.equals("default") ? found() : which) {
            case "secret" ->
                application(new SecretCredential(required(uri.path("client-secret-file"), "client-secret-file")));
            case "certificate" -> application(certificate());
            case "workload" ->
                application(new FederatedCredential(
                        required(path("federated-token-file", "AZURE_FEDERATED_TOKEN_FILE"), "federated-token-file")));
            default -> managed();
        };
    }

    /** What is at hand: what an option names, then what the environment names, then the machine's own. */
    private String found() throws KeySourceException {
        if (uri.text("client-secret-file") != null) {
            return "secret";
        }
        if (uri.text("identity-cert-file") != null) {
            return "certificate";
        }
        if (path("federated-token-file", "AZURE_FEDERATED_TOKEN_FILE") != null) {
            return "workload";
        }
        return variable("AZURE_CLIENT_CERTIFICATE_PATH") != null ? "certificate" : "managed";
    }

    private Credential certificate() throws KeySourceException {
        Path certificate = required(path("identity-cert-file", "AZURE_CLIENT_CERTIFICATE_PATH"), "identity-cert-file");
        Path key = uri.path("identity-key-file");
        return new CertificateCredential(certificate, key == null ? certificate : key);
    }

    private Identity application(Credential credential) throws KeySourceException {
        String tenant = required(text("tenant", "AZURE_TENANT_ID"), "tenant");
        String clientId = required(text("client-id", "AZURE_CLIENT_ID"), "client-id");
        if (!tenant.matches("[A-Za-z0-9.-]+")) {
            throw uri.wrong("has tenant=" + tenant + ", which is neither an id nor a domain");
        }
        String authority = text("authority-host", "AZURE_AUTHORITY_HOST");
        URI base = endpoint(authority == null ? AUTHORITY : authority, "authority-host");
        URI token = URI.create(base.toString().replaceFirst("/+$", "") + "/" + tenant + "/oauth2/v2.0/token");
        return new ApplicationIdentity(rest, token, clientId, credential);
    }

    private Identity managed() throws KeySourceException {
        String clientId = text("client-id", "AZURE_CLIENT_ID");
        String named = uri.text("identity-endpoint");
        String given = variable("IDENTITY_ENDPOINT");
        String header = variable("IDENTITY_HEADER");
        if (named != null || given == null) {
            URI imds = endpoint(named == null ? IMDS : named, "identity-endpoint");
            return new ManagedIdentity(local.get(), Shape.IMDS, imds, clientId, "", ArcChallenge.OF_LINUX);
        }
        URI at = endpoint(given, "IDENTITY_ENDPOINT");
        if (header != null) {
            return new ManagedIdentity(local.get(), Shape.APP_SERVICE, at, clientId, header, ArcChallenge.OF_LINUX);
        }
        if (variable("IMDS_ENDPOINT") == null) {
            throw uri.wrong(
                    "finds IDENTITY_ENDPOINT in the environment, but neither IDENTITY_HEADER, as of App Service,"
                            + " nor IMDS_ENDPOINT, as of Arc");
        }
        if (clientId != null) {
            throw uri.wrong("has a client-id, but a machine of Arc has one identity only; leave it out");
        }
        return new ManagedIdentity(local.get(), Shape.ARC, at, null, "", ArcChallenge.OF_LINUX);
    }

    private @Nullable String text(String option, String variable) throws KeySourceException {
        String value = uri.text(option);
        return value == null ? variable(variable) : value;
    }

    private @Nullable Path path(String option, String variable) throws KeySourceException {
        Path value = uri.path(option);
        String given = variable(variable);
        return value == null && given != null ? Path.of(given) : value;
    }

    /** What the environment says, unless that is nothing. */
    private @Nullable String variable(String name) {
        String value = environment.get(name);
        return value == null || value.isEmpty() ? null : value;
    }

    private <T> T required(@Nullable T value, String option) throws KeySourceException {
        if (value == null) {
            throw uri.wrong("needs the option " + option + " for this identity");
        }
        return value;
    }

    /** Secrets and tokens go over TLS, or not beyond this machine and the link that it hangs on. */
    private URI endpoint(String text, String name) throws KeySourceException {
        try {
            URI at = new URI(text);
            String host = at.getHost() == null ? "" : at.getHost().toLowerCase(Locale.ROOT);
            boolean near = host.equals("localhost")
                    || host.equals("[::1]")
                    || host.matches("127(\\.\\d{1,3}){3}")
                    || (host.matches("169\\.254(\\.\\d{1,3}){2}") && !name.equals("authority-host"));
            if (!host.isEmpty()
                    && ("https".equals(at.getScheme()) || ("http".equals(at.getScheme()) && near))
                    && at.getPort() <= KeyAddress.PORT_MAX
                    && at.getQuery() == null
                    && at.getUserInfo() == null) {
                return at;
            }
        } catch (URISyntaxException malformed) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, uri.reference() + ": " + name + " is not a URL: " + malformed.getMessage());
        }
        throw uri.wrong("has " + name + " " + text + ", which is neither https://HOST nor http:// on this machine");
    }
}

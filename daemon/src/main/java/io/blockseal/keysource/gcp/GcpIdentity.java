package io.blockseal.keysource.gcp;

import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.auth.oauth2.AccessToken;
import com.google.auth.oauth2.GoogleCredentials;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.rest.Aside;
import io.blockseal.keysource.rest.TlsFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Who we are to Google Cloud, by its library's chain (Application Default Credentials: a file that the environment names,
 * the machine's service account, workload identity), or by one file. Asked when the first question is sent; the library
 * keeps a token and renews it. What it waits for it cannot be torn away from, so it does so on threads of its own. From any
 * thread; blocks.
 */
final class GcpIdentity {
    private static final List<String> SCOPES = List.of("https://www.googleapis.com/auth/cloudkms");
    private static final int WORDS_MAX = 300;
    private static final String NONE = "no identity for Google Cloud";
    /** The library's own, of all that it asks in turn, is shorter. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final Aside LIBRARY = new Aside("key-source-gcp");

    private final @Nullable Path file;
    private final @Nullable Path authorities;
    private @Nullable GoogleCredentials credentials;

    /**
     * Nothing is read yet.
     *
     * @param file with the credentials of a service account or a workload, or null to ask the chain
     * @param authorities who may have signed the certificate of the token service; null for the system's
     */
    GcpIdentity(@Nullable Path file, @Nullable Path authorities) {
        this.file = file;
        this.authorities = authorities;
    }

    /** A token that is good now; as text, since it goes into a header field of HTTP. */
    String token() throws KeySourceException {
        try {
            return LIBRARY.ask(NONE, this::tokenOfLibrary, PATIENCE);
        } catch (ExecutionException failed) {
            Throwable none = Objects.requireNonNull(failed.getCause());
            if (none instanceof KeySourceException known) {
                throw known;
            }
            throw new KeySourceException(Kind.UNREACHABLE, NONE + ": " + words(none), none);
        }
    }

    private String tokenOfLibrary() throws IOException, KeySourceException {
        GoogleCredentials known = credentials();
        known.refreshIfExpired();
        AccessToken token = known.getAccessToken();
        if (token == null) {
            throw new IOException("the library has no token");
        }
        return token.getTokenValue();
    }

    /** The token was not accepted: the next one is another. */
    synchronized void forget() {
        credentials = null;
    }

    private synchronized GoogleCredentials credentials() throws IOException, KeySourceException {
        GoogleCredentials known = credentials;
        if (known == null) {
            known = make();
            credentials = known;
        }
        return known;
    }

    private GoogleCredentials make() throws IOException, KeySourceException {
        HttpTransport transport = transport();
        if (file == null) {
            return GoogleCredentials.getApplicationDefault(() -> transport).createScoped(SCOPES);
        }
        try (InputStream in = Files.newInputStream(PrivateFile.realPathOf(file, "credentials file"))) {
            return GoogleCredentials.fromStream(in, () -> transport).createScoped(SCOPES);
        }
    }

    private HttpTransport transport() throws KeySourceException {
        NetHttpTransport.Builder builder = new NetHttpTransport.Builder();
        if (authorities != null) {
            builder.setSslSocketFactory(
                    TlsFiles.context(authorities, null, null).getSocketFactory());
        }
        return builder.build();
    }

    private static String words(Throwable none) {
        String words = String.valueOf(none.getMessage()).replaceAll("\\p{Cntrl}+", " ");
        return words.substring(0, Math.min(WORDS_MAX, words.length()));
    }
}

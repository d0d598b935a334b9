package io.blockseal.keysource.tang;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code tang:http://HOST:PORT?thumbprint=T}, or {@code ?trust=first-use}. */
public final class TangKeySourceProvider implements KeySourceProvider {
    private static final int REFERENCE_BYTES_MAX = 256;

    private final Backoff backoff;

    /** As patient as all sources. */
    public TangKeySourceProvider() {
        this(Backoff.DEFAULT);
    }

    TangKeySourceProvider(Backoff backoff) {
        this.backoff = backoff;
    }

    @Override
    public List<String> schemes() {
        return List.of("tang");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        requireAddress(uri);
        uri.texts("thumbprint");
        uri.texts("trust");
        RestConnection connection = RestConnection.of(uri);
        // First: what is missing may be there under a name that has a slip of the pen in it.
        uri.requireAllTaken();
        String pinned = pinned(uri);
        TangServer server = new TangServer(new RestClient(connection, backoff), uri.address(), uri.reference());
        return new TangKeySource(uri.reference(), server, new SigningKey(uri.reference(), pinned), context);
    }

    private static void requireAddress(SourceUri uri) throws KeySourceException {
        URI address;
        try {
            address = new URI(uri.address());
        } catch (URISyntaxException malformed) {
            throw uri.wrong("is not tang:http://HOST:PORT or tang:https://HOST:PORT");
        }
        String path = address.getRawPath();
        boolean web = "http".equals(address.getScheme()) || "https".equals(address.getScheme());
        if (!web || address.getHost() == null || address.getUserInfo() != null || address.getFragment() != null) {
            throw uri.wrong("is not tang:http://HOST:PORT or tang:https://HOST:PORT");
        }
        if (path != null && !path.matches("(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")) {
            throw uri.wrong("has the path " + path + "; leave out the slash at its end, and whatever is no plain name");
        }
        if (uri.reference().getBytes(StandardCharsets.UTF_8).length > REFERENCE_BYTES_MAX) {
            throw uri.wrong("is longer than " + REFERENCE_BYTES_MAX + " bytes, for which a key slot has room");
        }
    }

    /** Whose signature to ask for; null if the first that is seen shall do. */
    private static @Nullable String pinned(SourceUri uri) throws KeySourceException {
        String thumbprint = uri.text("thumbprint");
        String trust = uri.text("trust");
        if (trust != null && !trust.equals("first-use")) {
            throw uri.wrong("has trust=" + trust + ", which is not first-use");
        }
        if ((thumbprint == null) == (trust == null)) {
            throw uri.wrong("needs either thumbprint=, which tang-show-keys prints on the server, or trust=first-use");
        }
        if (thumbprint != null && !thumbprint.matches("[A-Za-z0-9_-]{43}")) {
            throw uri.wrong("has thumbprint=" + thumbprint
                    + ", which is not a SHA-256 thumbprint of 43 characters, as tang-show-keys prints it");
        }
        return thumbprint;
    }
}

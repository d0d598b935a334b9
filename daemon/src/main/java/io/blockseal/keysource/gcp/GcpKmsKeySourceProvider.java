package io.blockseal.keysource.gcp;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.regex.Pattern;

/** {@code gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/K}, with the options of docs/keysources.md. */
public final class GcpKmsKeySourceProvider implements KeySourceProvider {
    private static final Pattern KEY = Pattern.compile("projects/[a-z0-9][a-z0-9:.-]{0,62}/locations/[a-z0-9-]{1,63}"
            + "/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}");

    private static final String ENDPOINT = "https://cloudkms.googleapis.com";

    private final Backoff backoff;

    /** As patient as all sources. */
    public GcpKmsKeySourceProvider() {
        this(Backoff.DEFAULT);
    }

    GcpKmsKeySourceProvider(Backoff backoff) {
        this.backoff = backoff;
    }

    @Override
    public List<String> schemes() {
        return List.of("gcp-kms");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        if (!KEY.matcher(uri.address()).matches()) {
            throw uri.wrong("is not the name of a key,"
                    + " gcp-kms:projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, without a version");
        }
        URI key = endpoint(uri).resolve("/v1/" + uri.address());
        GcpIdentity identity = new GcpIdentity(uri.path("credentials-file"), uri.path("ca-file"));
        RestConnection connection = RestConnection.of(uri);
        uri.requireAllTaken();
        return new GcpKmsKeySource(
                uri.reference(), new KmsService(uri.reference(), key, connection, backoff, identity), context);
    }

    private static URI endpoint(SourceUri uri) throws KeySourceException {
        String given = uri.text("endpoint", ENDPOINT);
        if (given.matches("https://[A-Za-z0-9.:\\[\\]-]+")) {
            try {
                return new URI(given).parseServerAuthority();
            } catch (URISyntaxException noHost) {
                // As what does not look like it at all.
            }
        }
        throw uri.wrong("has endpoint=" + given + ", which is not https://HOST or https://HOST:PORT");
    }
}

package io.blockseal.keysource.aws;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestConnection;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID} or {@code .../alias/NAME}, with the options of docs/keysources.md. */
public final class AwsKmsKeySourceProvider implements KeySourceProvider {
    @Override
    public List<String> schemes() {
        return List.of("aws-kms");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        return open(spec, context, Backoff.DEFAULT);
    }

    /** The same, as patient as that. */
    static KeySource open(KeySourceSpec spec, KeySourceContext context, Backoff backoff) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        KeyArn arn = KeyArn.parse(uri.address());
        if (arn == null) {
            throw uri.wrong("is not the ARN of a key or an alias of it,"
                    + " aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID or aws-kms:arn:aws:kms:REGION:ACCOUNT:alias/NAME");
        }
        URI endpoint = endpoint(uri, arn);
        AwsIdentity identity = new AwsIdentity(uri.path("credentials-file"), uri.text("profile"));
        RestConnection connection = RestConnection.of(uri);
        uri.requireAllTaken();
        KmsServer server = new KmsServer(uri.reference(), endpoint, arn.region(), connection, backoff, identity);
        return new AwsKmsKeySource(uri.reference(), arn.text(), server, context);
    }

    private static URI endpoint(SourceUri uri, KeyArn arn) throws KeySourceException {
        String given = uri.text("endpoint");
        String usual = arn.usualEndpoint();
        if (given == null && usual == null) {
            throw uri.wrong("is in a partition whose addresses we do not know: name its own, endpoint=https://HOST");
        }
        URI endpoint = parsed(given == null ? usual : given);
        if (endpoint == null || !"https".equals(endpoint.getScheme()) || endpoint.getHost() == null) {
            throw uri.wrong("has endpoint=" + given + ", which is not https://HOST or https://HOST:PORT");
        }
        return endpoint.resolve("/");
    }

    private static @Nullable URI parsed(@Nullable String text) {
        try {
            return text == null ? null : URI.create(text);
        } catch (IllegalArgumentException malformed) {
            return null;
        }
    }
}

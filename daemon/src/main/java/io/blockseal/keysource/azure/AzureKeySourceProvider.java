package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestConnection;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;

/** {@code azure-keyvault:https://VAULT.vault.azure.net/keys/NAME?identity=...}. */
public final class AzureKeySourceProvider implements KeySourceProvider {
    static final String SCHEME = "azure-keyvault";

    private static final Duration CONNECT_LOCALLY_WITHIN = Duration.ofSeconds(2);

    @Override
    public List<String> schemes() {
        return List.of(SCHEME);
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        return open(spec, context, Backoff.DEFAULT);
    }

    /** Likewise, with another patience. */
    static KeySource open(KeySourceSpec spec, KeySourceContext context, Backoff backoff) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        KeyAddress key = KeyAddress.of(uri);
        boolean verify = uri.word("verify-challenge", "true", "true", "false").equals("true");
        RestConnection connection = RestConnection.of(uri);
        RestClient rest = new RestClient(connection, backoff);
        Identity identity = new Identities(
                        uri,
                        context.environment(),
                        rest,
                        () -> new RestClient(beside(connection.answerWithin()), backoff))
                .choose();
        uri.requireAllTaken();
        VaultClient vault = new VaultClient(
                uri.reference(),
                key,
                new Challenge(key.host(), verify),
                rest,
                new TokenCache(identity, backoff.clock()));
        RestClient impatient = new RestClient(connection, new Backoff(1, 1, 0, backoff.clock()));
        return new AzureKeySource(uri.reference(), key, vault, impatient, context);
    }

    /** To what stands beside this machine, which no proxy reaches. */
    private static RestConnection beside(Duration answerWithin) {
        HttpClient http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_LOCALLY_WITHIN)
                .proxy(HttpClient.Builder.NO_PROXY)
                .build();
        return new RestConnection(http, answerWithin);
    }
}

package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.Backoff;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** {@code kmip:HOST:5696/name/NAME?client-cert-file=/FILE&client-key-file=/FILE&ca-file=/FILE}. */
public final class KmipKeySourceProvider implements KeySourceProvider {
    private final Backoff backoff;
    private final Addresses.Lookup lookup;

    /** As patient as all sources. */
    public KmipKeySourceProvider() {
        this(Backoff.DEFAULT, Addresses.Lookup.SYSTEM);
    }

    KmipKeySourceProvider(Backoff backoff, Addresses.Lookup lookup) {
        this.backoff = backoff;
        this.lookup = lookup;
    }

    @Override
    public List<String> schemes() {
        return List.of("kmip");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        KeyName name = KeyName.of(uri);
        Credentials credentials = Credentials.of(uri);
        ServerCipher cipher = ServerCipher.valueOf(
                uri.word("cipher", "gcm", "gcm", "ctr", "cbc").toUpperCase(Locale.ROOT));
        Duration within = Duration.ofSeconds(uri.number("timeout-seconds", 10, 1, 300));
        uri.requireAllTaken();
        KmipServer server = new KmipServer(name, credentials, within, backoff, lookup);
        return new KmipKeySource(uri.reference(), name, server, cipher, context);
    }
}

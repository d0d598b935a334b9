package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import java.nio.file.Path;
import java.util.List;

/** {@code pkcs11:token=T;object=K?module-path=/MODULE.so&pin-source=/FILE}, as RFC 7512 has it. */
public final class Pkcs11KeySourceProvider implements KeySourceProvider {
    private final Tokens tokens;

    /** Keys on the tokens of this process. */
    public Pkcs11KeySourceProvider() {
        this(Tokens.OF_THE_PROCESS);
    }

    Pkcs11KeySourceProvider(Tokens tokens) {
        this.tokens = tokens;
    }

    @Override
    public List<String> schemes() {
        return List.of("pkcs11");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        if (spec.place().contains("pin-value")) {
            // Refused before anything else can quote it.
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "a key source pkcs11 takes no pin-value: others can read it on the command line, and it would be"
                            + " in logs. Put the PIN into a file: pin-source=/FILE, credential:NAME or fd:NUMBER");
        }
        SourceUri uri = SourceUri.of(spec);
        KeyUri key = KeyUri.of(uri);
        Path module = uri.path("module-path");
        Pin pin = Pin.of(uri, context, tokens.descriptors());
        boolean extractable = uri.flag("allow-extractable");
        uri.requireAllTaken();
        if (module == null || !module.isAbsolute()) {
            throw uri.wrong("names no module: module-path=/PATH.so");
        }
        return new Pkcs11KeySource(key, tokens, module, pin, extractable, context);
    }
}

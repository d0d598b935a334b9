package io.blockseal.keysource.recovery;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;

/** {@code recovery:}, whose text comes from the context's input. */
public final class RecoveryKeySourceProvider implements KeySourceProvider {
    @Override
    public boolean serves(String scheme) {
        return scheme.equals("recovery");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) {
        return RecoveryKeySource.typed(context.engine(), context.input());
    }
}

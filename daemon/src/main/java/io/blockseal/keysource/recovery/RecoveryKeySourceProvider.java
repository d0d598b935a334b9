package io.blockseal.keysource.recovery;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import java.util.List;

/** {@code recovery:}, whose text comes from the context's input. */
public final class RecoveryKeySourceProvider implements KeySourceProvider {
    @Override
    public List<String> schemes() {
        return List.of("recovery");
    }

    @Override
    public boolean hasOptionOfItsOwn() {
        return true;
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) {
        return RecoveryKeySource.typed(context.engine(), context.input());
    }
}

package io.blockseal.keysource.passphrase;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import java.util.List;

/** {@code passphrase:}, whose bytes come from the context's input; new slots follow {@link PassphrasePolicy#DEFAULT}. */
public final class PassphraseKeySourceProvider implements KeySourceProvider {
    @Override
    public List<String> schemes() {
        return List.of("passphrase");
    }

    @Override
    public boolean hasOptionOfItsOwn() {
        return true;
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) {
        return new PassphraseKeySource(context.engine(), context.input(), PassphrasePolicy.DEFAULT);
    }
}

package io.blockseal.keysource;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** Finds the provider for a scheme, among those on the class path. */
public final class KeySourceRegistry {
    private KeySourceRegistry() {}

    /**
     * A source for the spec; the caller closes it.
     *
     * @throws KeySourceException if no provider knows the scheme, or the place is wrong
     */
    public static KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        List<String> known = new ArrayList<>();
        for (KeySourceProvider provider : ServiceLoader.load(KeySourceProvider.class)) {
            if (provider.schemes().contains(spec.scheme())) {
                return provider.open(spec, context);
            }
            known.addAll(provider.schemes());
        }
        throw new KeySourceException(
                KeySourceException.Kind.MISCONFIGURED,
                "there is no key source '" + spec.scheme() + "'; there are " + String.join(", ", known));
    }
}

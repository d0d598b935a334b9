package io.blockseal.keysource;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Predicate;

/** Finds the provider for a scheme, among those on the class path. */
public final class KeySourceRegistry {
    private KeySourceRegistry() {}

    /**
     * A source for the spec; the caller closes it. A refusal names what can be written in its place: the sources that have
     * no option of their own.
     *
     * @throws KeySourceException if no provider knows the scheme, or the place is wrong
     */
    public static KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        return open(spec, context, provider -> !provider.hasOptionOfItsOwn());
    }

    /** Likewise, among other sources that can be written here. */
    public static KeySource open(KeySourceSpec spec, KeySourceContext context, Predicate<KeySourceProvider> possible)
            throws KeySourceException {
        List<String> known = new ArrayList<>();
        for (KeySourceProvider provider : ServiceLoader.load(KeySourceProvider.class)) {
            if (provider.schemes().contains(spec.scheme())) {
                return provider.open(spec, context);
            }
            if (possible.test(provider)) {
                known.addAll(provider.schemes());
            }
        }
        throw new KeySourceException(
                KeySourceException.Kind.MISCONFIGURED,
                "there is no key source '" + spec.scheme() + "'; there are " + String.join(", ", known));
    }
}

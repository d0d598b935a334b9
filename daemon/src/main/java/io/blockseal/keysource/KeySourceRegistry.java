package io.blockseal.keysource;

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
        for (KeySourceProvider provider : ServiceLoader.load(KeySourceProvider.class)) {
            if (provider.serves(spec.scheme())) {
                return provider.open(spec, context);
            }
        }
        throw new KeySourceException(
                KeySourceException.Kind.MISCONFIGURED,
                "there is no key source '" + spec.scheme()
                        + "'; there are file, fd, credential, passphrase and recovery");
    }
}

package io.blockseal.keysource;

import java.util.List;

/**
 * Makes the key sources of one or more schemes. Found by {@code ServiceLoader}; {@link KeySourceRegistry} asks each.
 * Stateless, from any thread.
 */
public interface KeySourceProvider {
    /** The schemes that it knows, in lower case. */
    List<String> schemes();

    /** Whether operators name it by an option such as {@code --key-file}, and not as a {@code --key-source}. */
    default boolean hasOptionOfItsOwn() {
        return false;
    }

    /**
     * A source for that place. Nothing is read or asked yet: that happens when the source is first used, so that no
     * passphrase is asked for when another slot opens the volume.
     *
     * @throws KeySourceException if the place cannot be meant
     */
    KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException;
}

package io.blockseal.keysource;

import io.blockseal.crypto.Secret;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Wraps and unwraps one 32-byte volume key. May be slow or remote: called on key-source threads, never on an event
 * loop. Closing it wipes what it holds.
 */
public interface KeySource extends AutoCloseable {
    /** What kind it is: {@code file}, {@code passphrase}, {@code recovery}. */
    String kind();

    /** Where the KEK lives, without secrets: what a new slot will say and what messages name. */
    String reference();

    /** The priority that slots of this source get: 0 only when asked for by name, 1 normal, 2 first. */
    default int slotPriority() {
        return 1;
    }

    /** Whether a slot looks like one of this source's, before anything slow is tried. */
    boolean mayOpen(WrappedKey wrapped);

    /**
     * Whether anybody could have made a slot that {@link #mayOpen} says may be ours, since what wraps it is public: that it
     * opens then proves nothing of where it comes from. Asks nobody.
     */
    default boolean anybodyCanWrap(WrappedKey wrapped) {
        return wrapped.algorithm().anybodyCanWrap();
    }

    /**
     * The version of the KEK that {@link #wrap} would use now, as it will say in {@link WrappedKey#version}; empty if the
     * KEK has no versions, as a file or a passphrase. A source that reports one lets slots of older versions be wrapped
     * anew by themselves. May ask the source; the key is not needed for it.
     */
    default String newestVersion() throws KeySourceException {
        return "";
    }

    /**
     * Whether a slot that {@link #mayOpen} says may be ours is of an older version of the KEK than the newest. May ask the
     * source. Of a source that does not tell its versions, no.
     */
    default boolean isOutdated(WrappedKey wrapped) throws KeySourceException {
        String newest = newestVersion();
        return !newest.isEmpty() && !newest.equals(wrapped.version());
    }

    /** Wraps the volume key with the newest version of the KEK. */
    WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException;

    /**
     * Likewise of a key that {@code old} holds, which {@link #mayOpen} has said may be ours: a source that can do that
     * itself need not be shown the key.
     */
    default WrappedKey rewrap(WrappedKey old, Secret volumeKey, Binding binding) throws KeySourceException {
        return wrap(volumeKey, binding);
    }

    /**
     * Unwraps. The caller closes the secret.
     *
     * @throws WrongKeyException if the KEK is simply another one
     */
    Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException;

    /** The sources that it is made of, each with a key of its own; it closes them. Itself, unless it is made of several. */
    default List<KeySource> parts() {
        return List.of(this);
    }

    /**
     * Why {@link #destroy} cannot be asked of this source, and who can destroy its KEK instead; null if it can. Asks
     * nobody.
     */
    default @Nullable String whyIndestructible() {
        return "the key of a " + kind() + " source is not ours to destroy; do it there";
    }

    /**
     * Destroys the KEK at its source for good: nothing that was ever wrapped by it opens any more, of this volume or of
     * any other.
     *
     * @return what was done, in words for an auditor
     * @throws KeySourceException if it is not known to be gone
     */
    default String destroy() throws KeySourceException {
        throw new KeySourceException(KeySourceException.Kind.REFUSED, reference() + ": " + whyIndestructible());
    }

    @Override
    void close();
}

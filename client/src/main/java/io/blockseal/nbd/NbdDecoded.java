package io.blockseal.nbd;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a decoder makes of bytes from a peer: a value, or a sentence that says what is wrong with them.
 *
 * <p>The sentence never repeats bytes of the peer, so it may be logged and sent back.
 *
 * @param <T> what the bytes mean
 */
public final class NbdDecoded<T> {
    private final @Nullable T value;
    private final @Nullable String problem;

    private NbdDecoded(@Nullable T value, @Nullable String problem) {
        this.value = value;
        this.problem = problem;
    }

    /** The bytes are fine and mean this. */
    public static <T> NbdDecoded<T> of(T value) {
        return new NbdDecoded<>(Objects.requireNonNull(value), null);
    }

    /** The bytes are not fine. */
    public static <T> NbdDecoded<T> malformed(String problem) {
        return new NbdDecoded<>(null, Objects.requireNonNull(problem));
    }

    /** Says whether there is a value. */
    public boolean isValid() {
        return problem == null;
    }

    /**
     * The value.
     *
     * @throws IllegalStateException if there is none; ask {@link #isValid} first
     */
    public T value() {
        T present = value;
        if (present == null) {
            throw new IllegalStateException("malformed: " + problem);
        }
        return present;
    }

    /**
     * What is wrong.
     *
     * @throws IllegalStateException if nothing is; ask {@link #isValid} first
     */
    public String problem() {
        String present = problem;
        if (present == null) {
            throw new IllegalStateException("well-formed");
        }
        return present;
    }

    @Override
    public String toString() {
        return isValid() ? "valid: " + value : "malformed: " + problem;
    }
}

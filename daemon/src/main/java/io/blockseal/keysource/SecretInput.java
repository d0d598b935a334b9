package io.blockseal.keysource;

/** Where a passphrase or a recovery key comes from: a terminal, a file, a descriptor. */
@FunctionalInterface
public interface SecretInput {
    /** The longest secret that is taken. */
    int LENGTH_MAX = 4096;

    /**
     * The bytes as they were given, without the line's end. The caller owns the array and wipes it. Called at most once
     * for each key source, on the thread that wraps or unwraps.
     *
     * @throws KeySourceException if nothing can be read
     */
    byte[] read() throws KeySourceException;
}

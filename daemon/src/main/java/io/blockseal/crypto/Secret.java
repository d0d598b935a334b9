package io.blockseal.crypto;

/**
 * A key that somebody owns: a handle that wipes itself on {@link #close()}. It cannot be printed, compared or
 * serialised; open it in try-with-resources.
 */
public final class Secret implements AutoCloseable {
    private final KeyArena arena;
    private int key;

    private Secret(KeyArena arena, int key) {
        this.arena = arena;
        this.key = key;
    }

    /** An empty secret, to be filled through {@link #key()}. */
    public static Secret empty(KeyArena arena) {
        return new Secret(arena, arena.allocate());
    }

    /** A fresh random key of 32 or 64 bytes. */
    public static Secret random(KeyArena arena, int lengthBytes) {
        Secret secret = empty(arena);
        boolean filled = false;
        try {
            arena.fillRandom(secret.key(), lengthBytes);
            filled = true;
            return secret;
        } finally {
            if (!filled) {
                secret.close();
            }
        }
    }

    /** The handle, for the engine's calls; valid until {@link #close()}. */
    public int key() {
        if (key == 0) {
            throw new IllegalStateException("the secret was closed");
        }
        return key;
    }

    /** Hands the handle over: this object no longer wipes it. */
    public int release() {
        int handle = key();
        key = 0;
        return handle;
    }

    /** Wipes the key. A second call does nothing. */
    @Override
    public void close() {
        arena.free(key);
        key = 0;
    }

    @Override
    public String toString() {
        return "***";
    }
}

package io.blockseal.app.tls;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.server.tls.PresharedKeys;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The pre-shared keys that are in force, in the engine's memory; they go out for a handshake only. From any thread. */
final class ServedKeys implements PresharedKeys {
    private final KeyArena arena;
    private Map<String, Secret> keys = Map.of();

    ServedKeys(KeyArena arena) {
        this.arena = arena;
    }

    /** These are in force from now on, and ours; what was before is wiped. */
    synchronized void replace(Map<String, Secret> newer) {
        Map<String, Secret> older = keys;
        keys = newer;
        older.values().forEach(Secret::close);
    }

    @Override
    public synchronized boolean has(String name) {
        return keys.containsKey(name);
    }

    @Override
    public synchronized byte @Nullable [] copyOf(String name) {
        Secret secret = keys.get(name);
        if (secret == null) {
            return null;
        }
        byte[] copy = new byte[arena.length(secret.key())];
        arena.copyOut(secret.key(), SecretAccess.AUTHENTICATE_CLIENT, ByteBuffer.wrap(copy));
        return copy;
    }
}

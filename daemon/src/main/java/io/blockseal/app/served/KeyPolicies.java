package io.blockseal.app.served;

import io.blockseal.app.tending.Polling;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The looks that keep the DEKs of each volume within its policy; ended all at once. From any thread. */
public final class KeyPolicies implements AutoCloseable {
    private final Map<ServedVolume, Polling> looks = new HashMap<>();
    private boolean closed;

    /** One more; null for a volume without a policy. */
    public synchronized void add(ServedVolume volume, @Nullable Polling look) {
        if (look != null && closed) {
            look.close();
        } else if (look != null) {
            looks.put(volume, look);
        }
    }

    /** That volume is not looked at any more, and no look at it is under way when this returns. */
    void end(ServedVolume volume) {
        Polling look;
        synchronized (this) {
            look = looks.remove(volume);
        }
        if (look != null) {
            look.close();
        }
    }

    /** Returns when no look is under way. */
    @Override
    public void close() {
        List<Polling> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(looks.values());
        }
        all.forEach(Polling::close);
    }
}

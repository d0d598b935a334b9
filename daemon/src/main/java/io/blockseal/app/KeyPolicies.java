package io.blockseal.app;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The looks that keep the DEKs of each volume within its policy; ended all at once. From any thread. */
final class KeyPolicies implements AutoCloseable {
    private final List<Polling> looks = new ArrayList<>();
    private boolean closed;

    /** One more; null for a volume without a policy. */
    synchronized void add(@Nullable Polling look) {
        if (look != null && closed) {
            look.close();
        } else if (look != null) {
            looks.add(look);
        }
    }

    /** Returns when no look is under way. */
    @Override
    public void close() {
        List<Polling> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(looks);
        }
        all.forEach(Polling::close);
    }
}

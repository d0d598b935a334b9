package io.blockseal.server.tls;

import org.jspecify.annotations.Nullable;

/** Keys that clients have as well as we, by name. From any thread; what a name stands for may change at any time. */
public interface PresharedKeys {
    /** Whether there is a key of that name. */
    boolean has(String name);

    /** A copy of it for one handshake, which the caller wipes; null if there is none of that name. */
    byte @Nullable [] copyOf(String name);
}

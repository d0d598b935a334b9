package io.blockseal.export;

import java.util.Set;

/**
 * As whom a process had connected to a unix socket, by the word of the kernel. What the process becomes afterwards, or
 * who gets its socket, changes nothing.
 *
 * @param uid its user
 * @param gids its group, and the others that it is in
 */
public record UnixPeer(long uid, Set<Long> gids) {
    /** Copies the set. */
    public UnixPeer {
        gids = Set.copyOf(gids);
    }
}

package io.blockseal.volume;

import io.blockseal.volume.host.RollbackAnchors;
import java.nio.file.Path;

/**
 * What this host remembers of the volumes that it opened, in its state directory: which identity each one had, and how
 * far each one had come. It lies apart from the disks, so whoever can write to a disk cannot change it.
 *
 * @param pins the identity of each volume
 * @param anchors the last state of each volume
 */
public record HostMemory(IdentityPins pins, RollbackAnchors anchors) {
    /** Memory in {@code directory}, which is made when there is something to remember. */
    public static HostMemory in(Path directory) {
        return new HostMemory(IdentityPins.in(directory), RollbackAnchors.in(directory));
    }

    /** Remembers nothing: for whoever opens volumes that are not this host's, and for tests. */
    public static HostMemory none() {
        return new HostMemory(IdentityPins.none(), RollbackAnchors.none());
    }
}

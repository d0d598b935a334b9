package io.blockseal.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether and where the daemon is governed from.
 *
 * @param enabled whether there is a control socket
 * @param path where; null for the usual place
 * @param uids who may use it besides root and the daemon's own user
 */
public record ControlConfig(boolean enabled, @Nullable Path path, Set<Integer> uids) {
    /** At the usual place, for root and the daemon's own user. */
    public static final ControlConfig USUAL = new ControlConfig(true, null, Set.of());

    /** Copies the set. */
    public ControlConfig {
        uids = Set.copyOf(uids);
    }

    /** From {@code off}, {@code auto} or a path. */
    public static ControlConfig of(String text, List<Integer> uids) {
        if (text.equals("off")) {
            return new ControlConfig(false, null, Set.copyOf(uids));
        }
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is empty; there are auto, off, and the path of a socket");
        }
        return new ControlConfig(true, text.equals("auto") ? null : Path.of(text), Set.copyOf(uids));
    }
}

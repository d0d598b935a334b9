package io.blockseal.volume.host;

import io.blockseal.format.RootBlock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers the last state of each volume: one file per UUID in the state directory. A disk whose metadata was put back
 * as a whole is right in itself; only this tells that it has been further (docs/threat-model.md). On keeper threads.
 *
 * <p>An anchor follows the disk and is never ahead of it: a state is remembered once it is durable in every copy.
 */
public final class RollbackAnchors {
    private static final Logger LOG = LoggerFactory.getLogger(RollbackAnchors.class);

    private final @Nullable Path directory;
    private final AtomicLong failures = new AtomicLong();
    private final Set<UUID> complainedOf = ConcurrentHashMap.newKeySet();

    private RollbackAnchors(@Nullable Path directory) {
        this.directory = directory;
    }

    /** Anchors in {@code directory}, which is made when the first one is written. */
    public static RollbackAnchors in(Path directory) {
        return new RollbackAnchors(directory);
    }

    /** Remembers nothing. */
    public static RollbackAnchors none() {
        return new RollbackAnchors(null);
    }

    /** Whether anything is remembered at all. */
    public boolean remembers() {
        return directory != null;
    }

    /** How often an anchor could not be written since the start, over all volumes. From any thread. */
    public long failures() {
        return failures.get();
    }

    /** The file of a volume's anchor, for messages. */
    String place(UUID uuid) {
        StateFile file = file(uuid);
        return file == null ? "nowhere" : file.path().toString();
    }

    /**
     * What is remembered of a volume, or null.
     *
     * @throws IOException if the file cannot be read, or is no anchor
     */
    @Nullable
    public RollbackAnchor recall(UUID uuid) throws IOException {
        StateFile file = file(uuid);
        String text = file == null ? null : file.read();
        if (text == null) {
            return null;
        }
        try {
            return RollbackAnchor.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Remembers the state that {@code root} describes; it is durable in every copy. A failure is told once until it works
     * again, and counted: an anchor that lags detects less, but stops nobody.
     *
     * @return whether it is remembered now
     */
    public boolean remember(String volumeName, RootBlock root) {
        StateFile file = file(root.uuid());
        if (file == null) {
            return false;
        }
        try {
            String text = RollbackAnchor.of(root).text();
            if (!text.equals(readOrNull(file))) {
                file.write(text);
            }
            complainedOf.remove(root.uuid());
            return true;
        } catch (IOException e) {
            failures.incrementAndGet();
            if (complainedOf.add(root.uuid())) {
                LOG.warn(
                        "volume={} commit={}: the rollback anchor {} cannot be written: {}. Until it can, metadata that is"
                                + " put back from an older copy may go unnoticed. Make room in the state directory, or"
                                + " mend its owner and mode.",
                        volumeName,
                        root.commitSeq(),
                        file.path(),
                        StateFile.words(e));
            }
            return false;
        }
    }

    private static @Nullable String readOrNull(StateFile file) {
        try {
            return file.read();
        } catch (IOException e) {
            return null; // The operator accepted that it cannot be read; writing it anew may mend it.
        }
    }

    private @Nullable StateFile file(UUID uuid) {
        return directory == null ? null : new StateFile(directory.resolve(uuid + ".anchor"));
    }
}

package io.blockseal.app;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.store.StoreException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A key for a new slot, and what was made for it.
 *
 * @param source wraps the volume key; closed by the {@link KeyPlaces} that made it
 * @param description for the one who made it, without secrets
 * @param madePath the key file that was made for it, or null
 */
public record NewKey(
        KeySource source, String description, @Nullable Path madePath) {
    private static final Logger LOG = LoggerFactory.getLogger(NewKey.class);

    /** Whether it is a recovery key, which must be shown now or is lost. */
    public boolean mustBeShown() {
        return source instanceof RecoveryKeySource;
    }

    /** Prints the recovery key, in characters that are wiped at once. */
    public void show(PrintWriter out) throws KeySourceException {
        if (source instanceof RecoveryKeySource recovery) {
            char[] text = recovery.show();
            try {
                out.write(text);
            } finally {
                Arrays.fill(text, '\0');
            }
        }
    }

    /**
     * The slot was not made after all, because of that failure: a key file that opens nothing would only mislead. Stays if
     * the storage failed: the slot may have been made by then, and the only key to a volume be lost.
     */
    public void discardAfter(Exception failed) {
        if (!(failed instanceof StoreException)) {
            discard();
        }
    }

    /** The slot was certainly not made. */
    public void discard() {
        if (madePath == null) {
            return;
        }
        try {
            Files.deleteIfExists(madePath);
        } catch (IOException stays) {
            LOG.warn("the key file {} was made but opens nothing; remove it: {}", madePath, stays.getMessage());
        }
    }
}

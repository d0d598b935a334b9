package io.blockseal.app.key;

import io.blockseal.app.console.CommandException;
import io.blockseal.control.ArgumentException;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.volume.VolumeRefusedException;
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
     * What was to make the slot ended with that failure. If it was refused, a key file that opens nothing would only
     * mislead. After any other failure, of the storage or our own, the slot may have been made, and the file be the only key
     * to a volume: it stays.
     */
    public void discardAfter(Exception failed) {
        if (failed instanceof VolumeRefusedException
                || failed instanceof KeySourceException
                || failed instanceof WrongKeyException
                || failed instanceof CommandException
                || failed instanceof ArgumentException) {
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
            LOG.warn("the key file {} was made but opens nothing; remove it: {}", madePath, FileTrouble.words(stays));
        }
    }
}

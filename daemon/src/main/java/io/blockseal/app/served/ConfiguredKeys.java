package io.blockseal.app.served;

import io.blockseal.app.console.Failures;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.VolumeConfig;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrongKeyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a volume that is served would open again by the keys that its daemon was told of, after they were changed: who
 * has just done that is to know it before the next start does. From any thread but a loop's; may take as long as an
 * opening.
 */
public final class ConfiguredKeys {
    private static final Logger LOG = LoggerFactory.getLogger(ConfiguredKeys.class);

    private ConfiguredKeys() {}

    /** What is to be done about them, as a whole line; null if nothing is, or if that cannot be known now. */
    public static @Nullable String complaint(ServedVolume served, CryptoEngine engine) {
        VolumeConfig config = served.config();
        boolean once = config.keys().stream().anyMatch(ConfiguredKeys::canBeReadOnce);
        // Nobody who has changed a key waits for a source that is away.
        if (once || !served.health().key().isWell()) {
            return null;
        }
        try (KeyPlaces places = new KeyPlaces(engine)) {
            served.requireOpened().keySlots().requireOpenable(sources(served, places));
            return null;
        } catch (WrongKeyException changed) {
            String named = config.keys().stream()
                    .map(key -> key.kind().word() + " " + key.place())
                    .collect(Collectors.joining(", "));
            LOG.warn("volume={}: the daemon's {} opens it no more: {}", served.name(), named, changed.getMessage());
            return "The daemon's " + named
                    + " opens this volume no more: name the new key before the next start, in the"
                    + " configuration (then reload) or on the command line.\n";
        } catch (Exception unknown) {
            LOG.debug("volume={}: {}", served.name(), Failures.message(unknown), unknown);
            return null;
        }
    }

    /** From a descriptor, by somebody who types, or from a pipe, which may have nobody at its other end any more. */
    private static boolean canBeReadOnce(KeyConfig key) {
        return switch (key.kind()) {
            case KEY_FILE, PASSPHRASE_FILE, RECOVERY_KEY_FILE -> !Files.isRegularFile(Path.of(key.place()));
            case PASSPHRASE_PROMPT -> true;
            default -> key.kind().isDescriptor();
        };
    }

    private static List<KeySource> sources(ServedVolume served, KeyPlaces places) throws Exception {
        List<KeySource> asked = served.askedSources();
        if (!asked.isEmpty()) {
            return asked;
        }
        List<KeySource> named = new ArrayList<>();
        for (KeyConfig key : served.config().keys()) {
            named.add(places.open(key, ""));
        }
        return named;
    }
}

package io.blockseal.volume;

import io.blockseal.volume.VolumeRefusedException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers which volume key a volume had when this host first saw it: one file per UUID in the state directory.
 * Whoever can write to a disk and knows a public key can forge a volume in which every MAC is right; the pin is what
 * catches that (docs/threat-model.md). On keeper threads.
 */
public final class IdentityPins {
    private static final Logger LOG = LoggerFactory.getLogger(IdentityPins.class);

    private final @Nullable Path directory;

    private IdentityPins(@Nullable Path directory) {
        this.directory = directory;
    }

    /** Pins in {@code directory}, which is made when the first one is written. */
    public static IdentityPins in(Path directory) {
        return new IdentityPins(directory);
    }

    /** Remembers nothing: for one-off commands and tests. */
    public static IdentityPins none() {
        return new IdentityPins(null);
    }

    /**
     * Refuses a volume key that is not the expected or remembered one; remembers one that is new here.
     *
     * @param expected the identity that the configuration demands, in hex, or null
     */
    void verify(String volumeName, UUID uuid, byte[] identityTag, @Nullable String expected)
            throws VolumeRefusedException {
        String found = HexFormat.of().formatHex(identityTag);
        if (expected != null && !expected.strip().toLowerCase(Locale.ROOT).equals(found)) {
            throw new VolumeRefusedException(
                    Reason.IDENTITY,
                    volumeName + ": its identity is " + found + ", but " + expected + " is expected. Somebody may have"
                            + " replaced the volume; if you did, correct the expected identity.");
        }
        if (directory == null) {
            return;
        }
        StateFile file = new StateFile(directory.resolve(uuid + ".identity"));
        try {
            String remembered = file.read();
            if (remembered == null) {
                file.write(found);
                LOG.info("volume={} uuid={} identity={}: seen for the first time, remembered", volumeName, uuid, found);
                return;
            }
            if (!remembered.equals(found)) {
                throw new VolumeRefusedException(
                        Reason.IDENTITY,
                        volumeName + ": its identity is " + found + ", but this host remembers " + remembered
                                + ". Somebody may have replaced the volume. If you did, remove " + file.path()
                                + " and open it again.");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read or write the identity pin " + file.path(), e);
        }
    }
}

package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.host.StateFile;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.WrappedBy;
import io.blockseal.volume.table.VolumeKeys;
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
     * An identity that was found.
     *
     * @param volumeName for messages
     * @param logName what the log and the audit log call the volume
     * @param uuid of the volume
     * @param tag the public tag of its volume key, in hex
     * @param previousTag that of the volume key before, while the volume key is being rotated; else null
     * @param wrappedBy how the slot that gave the volume key wraps it
     */
    public record Found(
            String volumeName,
            String logName,
            UUID uuid,
            String tag,
            @Nullable String previousTag,
            WrappedBy wrappedBy) {
        /** As the volume key that opened it says. */
        public Found(VolumeStores stores, UUID uuid, VolumeKeys keys, WrappedBy wrappedBy) {
            this(
                    stores.name(),
                    stores.logName(),
                    uuid,
                    hex(keys.identityTag()),
                    hexOrNull(keys.previousIdentityTag()),
                    wrappedBy);
        }

        private static String hex(byte[] tag) {
            return HexFormat.of().formatHex(tag);
        }

        private static @Nullable String hexOrNull(byte @Nullable [] tag) {
            return tag == null ? null : hex(tag);
        }

        /**
         * Whether it is the one that is known elsewhere, or has just followed it: the volume carries the key before,
         * under the current one, so that whoever could make this up had that key already.
         */
        boolean isOrFollows(String known) {
            return known.equals(tag) || known.equals(previousTag);
        }
    }

    /** Refuses a volume key that is not the expected or remembered one. Changes nothing. */
    public void verify(Found found, OpenOptions options) throws VolumeRefusedException {
        String expected = options.expectIdentity();
        if (expected != null && !found.isOrFollows(expected.strip().toLowerCase(Locale.ROOT))) {
            throw refusal(
                    found,
                    expected,
                    ", but " + expected + " is expected. Somebody may have replaced the volume; if you did, correct the"
                            + " expected identity.");
        }
        String remembered = recall(found);
        if (options.trustIdentity()) {
            return;
        }
        if (remembered != null && !found.isOrFollows(remembered)) {
            throw refusal(
                    found,
                    remembered,
                    ", but this host remembers " + remembered + ". Somebody may have replaced the volume. If you did,"
                            + " open it once with --trust-identity.");
        }
        if (remembered == null && expected == null && found.wrappedBy().anybodyCanWrap()) {
            throw refusal(
                    found,
                    "none",
                    ", which this host has never seen, and the key slot that opens it could have been made by anybody:"
                            + " its wrapping key is public. Compare the identity with what 'blockseal create' printed;"
                            + " if it is the same, give --expect-identity, or open it once with --trust-identity.");
        }
    }

    /** Remembers an identity that was verified, if it is new here or an operator vouches for it. */
    void remember(Found found, OpenOptions options) {
        String before = recall(found);
        boolean vouched = options.trustIdentity()
                && (before == null ? found.wrappedBy().anybodyCanWrap() : !before.equals(found.tag()));
        if (directory != null && !found.tag().equals(before)) {
            StateFile file = file(directory, found);
            try {
                file.write(found.tag());
            } catch (IOException e) {
                throw new UncheckedIOException("cannot write the identity pin " + file.path(), e);
            }
        }
        if (directory != null && before != null && before.equals(found.previousTag())) {
            LOG.info(
                    "volume={} uuid={} identity={} was={}: its volume key is being rotated, and its identity follows",
                    found.logName(),
                    found.uuid(),
                    found.tag(),
                    before);
            record(AuditEvent.IDENTITY_ROTATED, found, AuditField.of("was", before));
        } else if (vouched) {
            LOG.warn(
                    "volume={} uuid={} identity={} was={}: trusted by the operator",
                    found.logName(),
                    found.uuid(),
                    found.tag(),
                    before == null ? "unknown" : before);
            record(
                    AuditEvent.IDENTITY_TRUSTED,
                    found,
                    AuditField.of("was", String.valueOf(before == null ? "none" : before)));
        } else if (directory != null && before == null) {
            LOG.info(
                    "volume={} uuid={} identity={}: seen for the first time, remembered",
                    found.logName(),
                    found.uuid(),
                    found.tag());
            record(
                    AuditEvent.IDENTITY_PINNED,
                    found,
                    AuditField.of("wrap", found.wrappedBy().algorithm()));
        }
    }

    /**
     * Remembers a volume that was made here just now: what is served later on this host is that one.
     *
     * @throws IOException if it cannot be written
     */
    public void remember(String logName, VolumeCreator.Created made) throws IOException {
        if (directory == null) {
            return;
        }
        new StateFile(directory.resolve(made.uuid() + ".identity")).write(made.identity());
        AuditLog.record(
                AuditEvent.IDENTITY_PINNED,
                AuditField.of("volume", logName),
                AuditField.of("uuid", made.uuid()),
                AuditField.of("identity", made.identity()),
                AuditField.of("made", "here"));
    }

    /**
     * Remembers the identity that a rotation of the volume key has given to a volume, in the place of the one before.
     *
     * @throws IOException if it cannot be written; the one before is then still remembered
     */
    void follow(String logName, UUID uuid, String was, String tag) throws IOException {
        if (directory == null) {
            return;
        }
        StateFile file = new StateFile(directory.resolve(uuid + ".identity"));
        if (!tag.equals(file.read())) {
            file.write(tag);
            AuditLog.record(
                    AuditEvent.IDENTITY_ROTATED,
                    AuditField.of("volume", logName),
                    AuditField.of("uuid", uuid),
                    AuditField.of("identity", tag),
                    AuditField.of("was", was));
        }
    }

    private @Nullable String recall(Found found) {
        if (directory == null) {
            return null;
        }
        StateFile file = file(directory, found);
        try {
            return file.read();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the identity pin " + file.path(), e);
        }
    }

    private static StateFile file(Path directory, Found found) {
        return new StateFile(directory.resolve(found.uuid() + ".identity"));
    }

    private static VolumeRefusedException refusal(Found found, String expected, String why) {
        record(AuditEvent.IDENTITY_REFUSED, found, AuditField.of("expected", expected));
        return new VolumeRefusedException(
                Reason.IDENTITY, found.volumeName() + ": its identity is " + found.tag() + why);
    }

    private static void record(AuditEvent event, Found found, AuditField detail) {
        AuditLog.record(
                event,
                AuditField.of("volume", found.logName()),
                AuditField.of("uuid", found.uuid()),
                AuditField.of("identity", found.tag()),
                detail);
    }
}

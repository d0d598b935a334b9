package io.blockseal.app.tending;

import io.blockseal.admin.KeyHealth;
import io.blockseal.app.tending.RevocationLock.Task;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.KeyCheck;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeyAccess;
import io.blockseal.keysource.KeyAccess.Standing;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the key source of a served volume unwrap its volume key again and again, and compares: so it is known, and not
 * hoped, that the volume could be opened now. Guests notice nothing of it until the source has revoked the key; what
 * becomes of them then is the configuration's word. A key that is given back resumes all by itself. A volume that an
 * operator has locked is let alone. On keeper threads, one look at a time; the grace is ended by another.
 */
public final class KeyCanary {
    private static final Logger LOG = LoggerFactory.getLogger(KeyCanary.class);
    private static final int SECONDS_IN_TROUBLE = 60;
    private static final double MILLIS = 1000;

    private final String name;
    private final Volume volume;
    private final List<KeySource> sources;
    private final KeyCheck check;
    private final LongSupplier clock;
    private final BooleanSupplier ended;
    private final KeyAccess access;
    private final RevocationLock lock;
    private boolean spareComplained;
    /** Of what kind the trouble was of which the log has the words; null if there is none. */
    private @Nullable Kind told;

    private volatile KeyHealth health;
    private volatile long verifiedAt;
    /** Of no meaning before it has begun. */
    private volatile long graceUntil;

    /** {@code clock} tells milliseconds since some moment; {@code ended}, that answers of the source mean nothing more. */
    public KeyCanary(
            String name,
            Volume volume,
            List<KeySource> sources,
            KeyCheck check,
            LongSupplier clock,
            BooleanSupplier ended) {
        this.name = name;
        this.volume = volume;
        this.sources = sources;
        this.check = check;
        this.clock = clock;
        this.ended = ended;
        this.verifiedAt = clock.getAsLong();
        this.access = new KeyAccess(1000L * check.graceSeconds(), verifiedAt);
        this.lock = new RevocationLock(name, volume, check.onRevocation());
        this.health = new KeyHealth(word(Standing.GOOD), 0, 0, 0, KeyHealth.Service.ON, "");
    }

    /** What is known. From any thread. */
    public KeyHealth health() {
        KeyHealth last = health;
        long now = clock.getAsLong();
        double left = last.standing().equals(word(Standing.GRACE)) ? (graceUntil - now) / MILLIS : 0;
        return new KeyHealth(
                last.standing(), (now - verifiedAt) / MILLIS, last.refusals(), left, lock.service(), last.why());
    }

    /** How long until the next look. */
    public synchronized int pauseSeconds() {
        return access.standing() == Standing.GOOD ? check.pollSeconds() : troubledPauseSeconds();
    }

    private int troubledPauseSeconds() {
        return Math.min(SECONDS_IN_TROUBLE, check.pollSeconds());
    }

    /** How long until {@link #endGrace} has to be called again, so that the grace ends in time. */
    public synchronized int gracePauseSeconds() {
        if (access.standing() != Standing.GRACE) {
            return troubledPauseSeconds();
        }
        long left = (access.graceUntil() - clock.getAsLong() + 999) / 1000;
        return (int) Math.min(troubledPauseSeconds(), Math.max(1, left));
    }

    private synchronized Task task() {
        return lock.task();
    }

    /** Looks once. Without the monitor while the source is asked, which may take its time. */
    public void look() {
        Task task = task();
        if (task == Task.NONE) {
            return;
        }
        @Nullable Kind trouble = null;
        String why = "";
        try {
            // Whoever wants it locked since then unlocks it as well.
            if (task == Task.RESUME && !lock.unlock(sources)) {
                return;
            }
            if (task == Task.VERIFY) {
                tellOfSpare(volume.keySlots().requireOpenable(sources));
            }
        } catch (KeySourceException failed) {
            if (ended.getAsBoolean()) {
                return;
            }
            trouble = failed.kind();
            why = String.valueOf(failed.getMessage());
        } catch (WrongKeyException changed) {
            trouble = Kind.MISCONFIGURED;
            why = changed.getCause() instanceof WrongPinException
                    ? String.valueOf(changed.getMessage())
                    : opensNothing(changed);
        } catch (VolumeRefusedException | MalformedVolumeException | StoreException odd) {
            trouble = Kind.MISCONFIGURED;
            why = String.valueOf(odd.getMessage());
        } catch (IllegalStateException locking) {
            // An operator has locked it in the midst of this, or the end of the grace has.
            LOG.debug("volume={}: was locked while its key was looked at", name, locking);
            return;
        }
        conclude(task, trouble, why);
    }

    private synchronized void conclude(Task task, @Nullable Kind trouble, String why) {
        if (task == Task.VERIFY && lock.isOurs()) {
            // The grace has ended meanwhile: only a look that resumes it counts now.
            return;
        }
        Standing before = access.standing();
        long now = clock.getAsLong();
        Standing after = trouble == null ? access.opened(now) : access.failed(trouble, now);
        settle(before, after, why);
        if (trouble != null && after == before && lasting(trouble) != told) {
            LOG.warn("volume={}: the trouble with its key source is another now: {}", name, why);
        }
        told = trouble == null ? null : lasting(trouble);
    }

    /** Whether it is throttled or away may change from one try to the next. */
    private static Kind lasting(Kind trouble) {
        return trouble == Kind.THROTTLED ? Kind.UNREACHABLE : trouble;
    }

    /** An operator has changed the volume's keys; or a key was made anew under the old name, or somebody is in between. */
    private String opensNothing(WrongKeyException changed) {
        return "the configuration names "
                + sources.stream().map(KeySource::reference).collect(Collectors.joining(", "))
                + ", which opens no key slot any more; if the keys of the volume were changed, change it and reload: "
                + changed.getMessage();
    }

    /**
     * Ends the grace if its time is up, also while a source keeps a look waiting: a module for an HSM whose line is cut may
     * do so for ever. Asks nobody.
     */
    public synchronized void endGrace() {
        Standing before = access.standing();
        if (before == Standing.GRACE && !ended.getAsBoolean() && task() == Task.VERIFY) {
            Standing now = access.passed(clock.getAsLong());
            if (now != before) {
                settle(before, now, health.why());
            }
        }
    }

    private void settle(Standing before, Standing now, String why) {
        verifiedAt = access.verifiedAt();
        graceUntil = access.graceUntil();
        health = new KeyHealth(word(now), 0, access.refusals(), 0, KeyHealth.Service.ON, why);
        if (now == Standing.GOOD) {
            lock.given();
        }
        if (now != before) {
            tell(before, now, why);
        }
        if (now == Standing.REVOKED) {
            lock.lock();
        }
    }

    /** A slot that comes before the one that opened it did not: nothing is lost yet, but one key less is at hand. */
    private void tellOfSpare(@Nullable String trouble) {
        if (trouble != null && !spareComplained) {
            LOG.warn("volume={}: opens by another of its keys, as one cannot be used: {}", name, trouble);
        } else if (trouble == null && spareComplained) {
            LOG.info("volume={}: opens by the key again that comes first", name);
        }
        spareComplained = trouble != null;
    }

    private static String word(Standing standing) {
        return standing.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private void tell(Standing before, Standing now, String why) {
        switch (now) {
            case GOOD -> {
                LOG.info("volume={}: its key source opens it again", name);
                if (before != Standing.IN_DOUBT) {
                    record(AuditEvent.KEY_ACCESS_RESTORED);
                }
            }
            case IN_DOUBT ->
                LOG.warn(
                        "volume={}: its key source does not give its key; it is served on, and asked again: {}",
                        name,
                        why);
            case REFUSED -> LOG.warn("volume={}: its key source refuses its key, and is asked again: {}", name, why);
            case GRACE -> {
                LOG.error(
                        "volume={} seconds-left={} then={}: its key is revoked: {}",
                        name,
                        check.graceSeconds(),
                        word(),
                        why);
                record(AuditEvent.KEY_ACCESS_REVOKED);
            }
            case REVOKED -> {
                if (before != Standing.GRACE) {
                    record(AuditEvent.KEY_ACCESS_REVOKED);
                }
                LOG.error("volume={} then={}: its key is revoked, and the time of grace is over", name, word());
                record(AuditEvent.KEY_ACCESS_ENDED);
            }
        }
    }

    private String word() {
        return check.onRevocation().name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private void record(AuditEvent event) {
        AuditLog.record(
                event,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("kek", sources.stream().map(KeySource::reference).collect(Collectors.joining(", "))),
                AuditField.of("policy", word()));
    }
}

package io.blockseal.app.tending;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.admin.KeyHealth.Service;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.block.Errno;
import io.blockseal.config.KeyCheck;
import io.blockseal.config.KeyCheck.OnRevocation;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.UnwrapOnly;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.KeySlots;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

class KeyCanaryTest {
    private static final long MINUTE = 60_000;
    private static final int GRACE_SECONDS = 600;

    private final VolumeFixture fixture = new VolumeFixture();
    private final Moody source = new Moody();
    private volatile long now;
    private boolean ended;
    private MemoryStore store = new MemoryStore("none", 0);
    private Volume volume;

    @BeforeEach
    void open() throws Exception {
        store = fixture.create(4);
        volume = fixture.open(store);
        assertEquals(Errno.OK, fixture.write(volume, 3, 0x5a));
    }

    @AfterEach
    void close() {
        volume.close();
    }

    private KeyCanary canary(OnRevocation policy) {
        return new KeyCanary(
                "demo", volume, List.of(source), new KeyCheck(300, GRACE_SECONDS, policy), () -> now, () -> ended);
    }

    private void look(KeyCanary canary, int minutes) {
        for (int i = 0; i < minutes; i++) {
            now += MINUTE;
            canary.look();
        }
    }

    @Test
    void reallyUnwrapsAndTellsHowLongAgo() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        now = 90_000;
        assertEquals(90, canary.health().verifiedSecondsAgo());
        canary.look();
        assertEquals(1, source.unwraps);
        assertEquals(0, canary.health().verifiedSecondsAgo());
        assertEquals("good", canary.health().standing());
        assertEquals(300, canary.pauseSeconds());
    }

    @ParameterizedTest
    @EnumSource(value = Kind.class, mode = EnumSource.Mode.EXCLUDE, names = "REFUSED")
    void anOutageOfTwoDaysIsNoticedByNobodyButTheOneWhoWatches(Kind doubt) throws Exception {
        KeyCanary canary = canary(OnRevocation.FAIL_IO);
        source.mood = doubt;
        look(canary, 2 * 24 * 60);
        assertEquals("in-doubt", canary.health().standing());
        assertEquals(2 * 24 * 3600, canary.health().verifiedSecondsAgo());
        assertEquals("moody: " + doubt, canary.health().why());
        assertEquals(60, canary.pauseSeconds());
        assertEquals(Volume.State.OPEN, volume.state());
        // A range that has no DEK yet gets one: nobody outside is asked for that.
        assertEquals(Errno.OK, fixture.write(volume, 40, 0x11));
        source.mood = null;
        look(canary, 1);
        assertEquals("good", canary.health().standing());
    }

    @Test
    void aKeyOfAnotherVolumeIsNoRevocation() throws Exception {
        KeyCanary canary = canary(OnRevocation.FAIL_IO);
        source.other = true;
        look(canary, 1000);
        assertEquals("in-doubt", canary.health().standing());
        assertEquals(Volume.State.OPEN, volume.state());
    }

    @ParameterizedTest
    @EnumSource(
            value = OnRevocation.class,
            names = {"FREEZE", "FAIL_IO"})
    void aRevokedKeyIsWipedAfterTheGraceAndAllGoesOnWhenItIsGivenBack(OnRevocation policy) throws Exception {
        KeyCanary canary = canary(policy);
        try (AuditLines audit = AuditLines.listen()) {
            source.mood = Kind.REFUSED;
            look(canary, 5);
            assertEquals("refused", canary.health().standing());
            assertEquals(0, canary.health().graceSecondsLeft());
            look(canary, 1);
            assertEquals("grace", canary.health().standing());
            assertEquals(6, canary.health().refusals());
            assertEquals(GRACE_SECONDS, canary.health().graceSecondsLeft());
            assertEquals(1, audit.of(AuditEvent.KEY_ACCESS_REVOKED).size());
            look(canary, GRACE_SECONDS / 60 - 1);
            assertEquals(Volume.State.OPEN, volume.state());
            assertEquals(0x5a, fixture.read(volume, 3));
            look(canary, 1);
            assertEquals("revoked", canary.health().standing());
            assertEquals(Service.ENDED, canary.health().service());
            assertEquals(Volume.State.LOCKED, volume.state());
            assertEquals(policy == OnRevocation.FREEZE ? Errno.OK : Errno.EIO, volume.whileHeld());
            assertEquals(1, audit.of(AuditEvent.KEY_ACCESS_ENDED).size());
            source.mood = Kind.UNREACHABLE;
            look(canary, 100);
            assertEquals(Volume.State.LOCKED, volume.state());
            source.mood = null;
            look(canary, 1);
            assertEquals(Volume.State.OPEN, volume.state());
            assertEquals("good", canary.health().standing());
            assertEquals(Service.ON, canary.health().service());
            assertEquals(0x5a, fixture.read(volume, 3));
            assertEquals(1, audit.of(AuditEvent.KEY_ACCESS_RESTORED).size());
        }
    }

    /** Whoever cuts the line to the source, once the key is revoked, does not keep the key in use. */
    @ParameterizedTest
    @EnumSource(value = Kind.class, mode = EnumSource.Mode.EXCLUDE, names = "REFUSED")
    void theGraceGoesByTheClockThoughTheSourceIsCutOffMeanwhile(Kind doubt) throws Exception {
        KeyCanary canary = canary(OnRevocation.FAIL_IO);
        try (AuditLines audit = AuditLines.listen()) {
            source.mood = Kind.REFUSED;
            look(canary, 6);
            assertEquals("grace", canary.health().standing());
            source.mood = doubt;
            look(canary, GRACE_SECONDS / 60 - 1);
            assertEquals(Volume.State.OPEN, volume.state());
            look(canary, 1);
            assertEquals("revoked", canary.health().standing());
            assertEquals(Volume.State.LOCKED, volume.state());
            assertEquals(1, audit.of(AuditEvent.KEY_ACCESS_ENDED).size());
            source.mood = null;
            look(canary, 1);
            assertEquals(Volume.State.OPEN, volume.state());
        }
    }

    /** A module for an HSM whose line is cut may not answer at all. */
    @Test
    void theGraceEndsInTimeThoughALookHangs() throws Exception {
        KeyCanary canary = canary(OnRevocation.FAIL_IO);
        assertEquals(60, canary.gracePauseSeconds());
        source.mood = Kind.REFUSED;
        look(canary, 6);
        source.asked = new CountDownLatch(1);
        source.answers = new CountDownLatch(1);
        Thread hanging = new Thread(canary::look);
        hanging.start();
        source.asked.await();
        now += 1000L * GRACE_SECONDS - 30_000;
        canary.endGrace();
        assertEquals("grace", canary.health().standing());
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals(30, canary.gracePauseSeconds());
        now += 30_000;
        canary.endGrace();
        assertEquals("revoked", canary.health().standing());
        assertEquals("moody: REFUSED", canary.health().why());
        assertEquals(Volume.State.LOCKED, volume.state());
        assertEquals(Errno.EIO, volume.whileHeld());
        // What it says at last, be it good, counts only for a look that opens the volume again.
        source.mood = null;
        source.answers.countDown();
        hanging.join();
        assertEquals("revoked", canary.health().standing());
        assertEquals(Volume.State.LOCKED, volume.state());
        look(canary, 1);
        assertEquals("good", canary.health().standing());
        assertEquals(Volume.State.OPEN, volume.state());
    }

    @Test
    void theEndOfTheGraceIsNothingToAVolumeThatAnOperatorHasLocked() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        source.mood = Kind.REFUSED;
        look(canary, 6);
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        assertEquals(Service.LOCKED, canary.health().service());
        now += 1000L * GRACE_SECONDS;
        canary.endGrace();
        assertEquals("grace", canary.health().standing());
        now += 30_000;
        assertEquals(-30, canary.health().graceSecondsLeft(), "what is said of its end does not move");
        source.mood = null;
        look(canary, 5);
        assertEquals(Volume.State.LOCKED, volume.state());
    }

    @Test
    void goesOnWithoutTheKeyWhereThatIsWanted() throws Exception {
        KeyCanary canary = canary(OnRevocation.CONTINUE);
        source.mood = Kind.REFUSED;
        look(canary, 500);
        assertEquals("revoked", canary.health().standing());
        assertEquals(Service.ON, canary.health().service());
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals(0x5a, fixture.read(volume, 3));
    }

    @Test
    void letsAVolumeAloneThatAnOperatorHasLocked() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        look(canary, 1);
        assertEquals(Volume.State.LOCKED, volume.state());
        assertEquals(0, source.unwraps);
        volume.lock().unlock(List.of(fixture.key(1)));
        look(canary, 1);
        assertEquals(1, source.unwraps);
    }

    /** Who mends what was said first finds out that something else is wrong, too; but not at each try. */
    @Test
    void theLogHasAnotherReasonOnce() {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(KeyCanary.class);
        log.start();
        logger.addAppender(log);
        try {
            for (Kind each : List.of(
                    Kind.UNREACHABLE, Kind.THROTTLED, Kind.UNREACHABLE, Kind.MISCONFIGURED, Kind.MISCONFIGURED)) {
                source.mood = each;
                look(canary, 3);
            }
        } finally {
            logger.detachAppender(log);
        }
        assertEquals(
                List.of(
                        "volume=demo: its key source does not give its key; it is served on, and asked again:"
                                + " moody: UNREACHABLE",
                        "volume=demo: the trouble with its key source is another now: moody: MISCONFIGURED"),
                log.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
    }

    /** As after an operator has replaced the key of the slot. */
    @Test
    void saysThatTheConfigurationNamesAKeyThatOpensNothingAnyMore() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        volume.keySlots().rewrap(KeySlots.WHICHEVER_OPENS, List.of(fixture.key(1)), fixture.key(2));
        look(canary, 1);
        assertEquals("in-doubt", canary.health().standing());
        assertTrue(
                canary.health().why().startsWith("the configuration names moody:, which opens no key slot any more"),
                canary.health()::why);
    }

    @Test
    void makesNothingOfASourceThatIsAskedNoMore() {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        source.mood = Kind.UNREACHABLE;
        ended = true;
        look(canary, 1);
        assertEquals("good", canary.health().standing());
    }

    @Test
    void leavesToAnOperatorWhatHeHasLockedWhileItWasRevoked() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        source.mood = Kind.REFUSED;
        look(canary, 30);
        assertEquals(Volume.State.LOCKED, volume.state());
        assertEquals(Service.ENDED, canary.health().service());
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        assertEquals(Service.LOCKED, canary.health().service());
        source.mood = null;
        look(canary, 30);
        assertEquals(Volume.State.LOCKED, volume.state());
        assertEquals(Service.LOCKED, canary.health().service());
        volume.lock().unlock(List.of(fixture.key(1)));
        assertEquals(Service.OVERRULED, canary.health().service());
        look(canary, 1);
        assertEquals("good", canary.health().standing());
        assertEquals(Service.ON, canary.health().service());
    }

    /** It is his word that counts, whether or not he has locked it himself before. */
    @Test
    void leavesOpenWhatAnOperatorHasLockedAndUnlockedWhileItWasRevoked() throws Exception {
        KeyCanary canary = canary(OnRevocation.FAIL_IO);
        source.mood = Kind.REFUSED;
        look(canary, 30);
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        look(canary, 1);
        volume.lock().unlock(List.of(fixture.key(1)));
        look(canary, 100);
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals("revoked", canary.health().standing());
        assertEquals(Service.OVERRULED, canary.health().service());
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        assertEquals(Service.LOCKED, canary.health().service());
        volume.lock().unlock(List.of(fixture.key(1)));
        source.mood = null;
        look(canary, 1);
        assertEquals("good", canary.health().standing());
        assertEquals(Service.ON, canary.health().service());
    }

    @Test
    void leavesOpenWhatAnOperatorHasUnlockedByAnotherKeyUntilTheNextRevocation() throws Exception {
        KeyCanary canary = canary(OnRevocation.FREEZE);
        source.mood = Kind.REFUSED;
        look(canary, 30);
        assertEquals(Volume.State.LOCKED, volume.state());
        volume.lock().unlock(List.of(fixture.key(1)));
        look(canary, 100);
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals("revoked", canary.health().standing());
        assertEquals(Service.OVERRULED, canary.health().service());
        source.mood = null;
        look(canary, 1);
        assertEquals("good", canary.health().standing());
        source.mood = Kind.REFUSED;
        look(canary, 30);
        assertEquals(Volume.State.LOCKED, volume.state());
    }

    /** The key that opens the volume, with moods. */
    private final class Moody extends UnwrapOnly {
        private volatile @Nullable Kind mood;
        private boolean other;
        private int unwraps;
        private volatile CountDownLatch asked = new CountDownLatch(0);
        private volatile CountDownLatch answers = new CountDownLatch(0);

        Moody() {
            super("moody");
        }

        @Override
        public int slotPriority() {
            return 1;
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            asked.countDown();
            try {
                answers.await();
            } catch (InterruptedException nobodyDoes) {
                throw new AssertionError(nobodyDoes);
            }
            Kind trouble = mood;
            if (trouble != null) {
                throw new KeySourceException(trouble, "moody: " + trouble);
            }
            unwraps++;
            return other
                    ? Secret.random(fixture.engine().keys(), 32)
                    : fixture.key(1).unwrap(wrapped, binding);
        }
    }
}

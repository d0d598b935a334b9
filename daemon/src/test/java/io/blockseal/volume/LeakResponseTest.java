package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.LeakResponse.Step;
import io.blockseal.volume.metadata.VolumeStores;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** All keys replaced, in order, and continued where it was left. */
class LeakResponseTest {
    private static final Instant BEGUN = Instant.ofEpochSecond(1_700_000_100);

    private final VolumeFixture fixture = new VolumeFixture();
    private final List<Instant> renewals = new ArrayList<>();

    private List<KeySource> key(int fill) {
        return List.of(fixture.key(fill));
    }

    private Volume open(MemoryStore store, int key) throws Exception {
        return fixture.opener().open(VolumeStores.inBand(store), key(key), OpenOptions.DEFAULT);
    }

    private void renew(Instant madeBefore, JobControl control) {
        renewals.add(madeBefore);
    }

    private MemoryStore used() throws Exception {
        MemoryStore store = fixture.create(40);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 3, 9);
        }
        return store;
    }

    @Test
    void replacesTheKekThenTheVolumeKeyThenTheKeysOfRanges() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store);
                AuditLines audit = AuditLines.listen()) {
            volume.leakResponse().begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(), Set.of());
            assertEquals(
                    new LeakResponse.Standing(Step.VOLUME_KEY, BEGUN),
                    volume.leakResponse().standing());
            volume.leakResponse()
                    .goOn(
                            key(2),
                            Set.of(),
                            (before, control) -> {
                                assertEquals(
                                        2, volume.volumeKeyRotation().standing().epoch());
                                assertEquals(
                                        Step.RANGE_KEYS,
                                        volume.leakResponse().standing().next());
                                renew(before, control);
                            },
                            JobControl.ALONE);
            assertEquals(List.of(BEGUN.plusSeconds(1)), renewals);
            assertEquals(Step.NONE, volume.leakResponse().standing().next());
            assertEquals(1, audit.of(AuditEvent.LEAK_RESPONSE_BEGUN).size());
            assertEquals(1, audit.of(AuditEvent.LEAK_RESPONSE_ENDED).size());
        }
        assertThrows(WrongKeyException.class, () -> open(store, 1));
        try (Volume volume = open(store, 2)) {
            assertEquals(9, fixture.read(volume, 3));
        }
    }

    @Test
    void goesOnWhereItWasLeftWhenOpenedAnew() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store)) {
            volume.leakResponse().begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(), Set.of());
        }
        try (Volume volume = open(store, 2)) {
            assertEquals(Step.VOLUME_KEY, volume.leakResponse().standing().next());
            VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(2), fixture.key(3), Set.of(), Set.of()));
            assertTrue(refused.getMessage().contains("under way since 2023-11-14T22:15:00Z"), refused.getMessage());
            assertThrows(JobCanceledException.class, () -> volume.leakResponse()
                    .goOn(
                            key(2),
                            Set.of(),
                            (before, control) -> {
                                throw new JobCanceledException("told to end");
                            },
                            JobControl.ALONE));
        }
        try (Volume volume = open(store, 2)) {
            assertEquals(
                    new LeakResponse.Standing(Step.RANGE_KEYS, BEGUN),
                    volume.leakResponse().standing());
            volume.leakResponse().goOn(key(2), Set.of(), this::renew, JobControl.ALONE);
            assertEquals(2, volume.volumeKeyRotation().standing().epoch(), "a second new volume key");
            assertEquals(Step.NONE, volume.leakResponse().standing().next());
        }
    }

    @Test
    void endsARotationOfBeforeFirstAndThenLeavesItsKeyToo() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store)) {
            volume.volumeKeyRotation().begin(key(1), Set.of());
            volume.leakResponse().begin(KeySlots.WHICHEVER_OPENS, key(1), null, Set.of(), Set.of());
            volume.leakResponse().goOn(key(1), Set.of(), this::renew, JobControl.ALONE);
            assertEquals(
                    new VolumeKeyRotation.Standing(3, false, 2, 2),
                    volume.volumeKeyRotation().standing());
        }
        fixture.open(store).close();
    }

    /** The clock is put right while it goes on: then what has leaked looks as if it had been made since. */
    @Test
    void replacesAlsoTheKeysThatWereMadeLaterByAnotherClock() throws Exception {
        Instant later = BEGUN.plusSeconds(3600);
        for (boolean anotherKek : new boolean[] {false, true}) {
            renewals.clear();
            MemoryStore store = fixture.create(40);
            try (Volume volume = new VolumeOpener(fixture.engine(), HostMemory.none(), Runnable::run, () -> later)
                    .open(VolumeStores.inBand(store), key(1), OpenOptions.DEFAULT)) {
                fixture.write(volume, 3, 9);
            }
            try (Volume volume = fixture.open(store)) {
                volume.leakResponse()
                        .begin(
                                KeySlots.WHICHEVER_OPENS,
                                key(1),
                                anotherKek ? fixture.key(2) : null,
                                Set.of(),
                                Set.of());
                assertEquals(later, volume.leakResponse().standing().since());
                volume.leakResponse().goOn(key(anotherKek ? 2 : 1), Set.of(), this::renew, JobControl.ALONE);
                assertEquals(List.of(later.plusSeconds(1)), renewals);
            }
        }
    }

    @Test
    void needsAKeyThatOpensTheVolume() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store)) {
            String before = store.fingerprint();
            assertThrows(WrongKeyException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(2), null, Set.of(), Set.of()));
            assertEquals(before, store.fingerprint());
        }
    }

    /** Whoever is told that nothing was changed goes on with the old key, at the latest when the daemon starts again. */
    @Test
    void leavesTheKekWhereTheKeyOfAnotherSlotIsMissing() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().add(key(1), fixture.key(5), "paper");
            String before = store.fingerprint();
            VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(), Set.of()));
            assertTrue(refused.getMessage().endsWith("say: --keep-slot 1. Nothing was changed."), refused.getMessage());
            VolumeRefusedException missing = assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(), Set.of(1)));
            assertTrue(missing.getMessage().contains("--drop-slot 1. Nothing was changed."), missing.getMessage());
            assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(1), null, Set.of(), Set.of()));
            VolumeRefusedException free = assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                    .begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(1, 7), Set.of()));
            assertTrue(free.getMessage().endsWith("is free already. Nothing was changed."), free.getMessage());
            assertEquals(Step.NONE, volume.leakResponse().standing().next());
            assertEquals(before, store.fingerprint());
            volume.leakResponse().begin(KeySlots.WHICHEVER_OPENS, key(1), fixture.key(2), Set.of(1), Set.of());
            volume.leakResponse().goOn(key(2), Set.of(1), this::renew, JobControl.ALONE);
        }
        open(store, 2).close();
        assertThrows(WrongKeyException.class, () -> open(store, 5));
    }

    /** The key is at hand, and may have leaked all the same: nobody has said that it has not. */
    @Test
    void keepsNoOtherKeyUnlessToldTo() throws Exception {
        MemoryStore store = used();
        List<KeySource> all = List.of(fixture.key(1), fixture.key(5), fixture.key(6));
        try (Volume volume = fixture.open(store);
                AuditLines audit = AuditLines.listen()) {
            volume.keySlots().add(key(1), fixture.key(5), "five");
            volume.keySlots().add(key(1), fixture.key(6), "six");
            String before = store.fingerprint();
            for (KeySource replacement : new KeySource[] {fixture.key(2), null}) {
                VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                        .begin(KeySlots.WHICHEVER_OPENS, all, replacement, Set.of(), Set.of(2)));
                assertTrue(refused.getMessage().contains("key slot 1 \"five\""), refused.getMessage());
                assertTrue(refused.getMessage().contains("Let it go: --drop-slot 1; "), refused.getMessage());
            }
            for (Set<Integer> keep : List.of(Set.of(0, 1, 2), Set.of(1, 2, 3), Set.of(1, 2))) {
                assertThrows(VolumeRefusedException.class, () -> volume.leakResponse()
                        .begin(KeySlots.WHICHEVER_OPENS, all, fixture.key(2), Set.of(1), keep));
            }
            assertEquals(before, store.fingerprint());
            volume.leakResponse().begin(KeySlots.WHICHEVER_OPENS, all, fixture.key(2), Set.of(1), Set.of(2));
            String begun = audit.of(AuditEvent.LEAK_RESPONSE_BEGUN).toString();
            assertTrue(begun.contains("removed=1") && begun.contains("kept=2"), begun);
            assertEquals(1, audit.of(AuditEvent.KEY_SLOT_REMOVED).size());
        }
        // What went is gone from the first commit on, whoever goes on, and with which keys.
        assertThrows(WrongKeyException.class, () -> open(store, 5));
        try (Volume volume = open(store, 2)) {
            List<KeySource> left = List.of(fixture.key(2), fixture.key(5), fixture.key(6));
            volume.leakResponse().goOn(left, Set.of(1), this::renew, JobControl.ALONE);
        }
        assertThrows(WrongKeyException.class, () -> open(store, 1));
        assertThrows(WrongKeyException.class, () -> open(store, 5));
        open(store, 2).close();
        open(store, 6).close();
    }
}

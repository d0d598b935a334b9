package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.tending.Keeper;
import io.blockseal.app.tending.KekPolling;
import io.blockseal.app.tending.Polling;
import io.blockseal.app.tending.RotationResumption;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.KekWatch;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.VersionedTestKeySource;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a daemon does for a volume by itself while it is served. */
class VolumeTendingTest {
    private final VolumeFixture fixture = new VolumeFixture();

    @Test
    void goesOnWithARotationThatWasInterrupted() throws Exception {
        MemoryStore store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            volume.volumeKeyRotation().begin(List.of(fixture.key(1)), Set.of());
            assertThrows(
                    JobCanceledException.class, () -> volume.volumeKeyRotation().goOn(new AlreadyCanceled()));
        }
        try (Volume volume = fixture.open(store);
                RotationResumption resumption = RotationResumption.of("demo", volume)) {
            resumption.await();
            assertFalse(volume.volumeKeyRotation().standing().underWay());
            assertEquals(7, fixture.read(volume, 0));
        }
    }

    @Test
    void doesNothingWhereNothingIsUnderWay() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            String before = store.fingerprint();
            RotationResumption.of("demo", volume).close();
            assertEquals(before, store.fingerprint());
        }
    }

    @Test
    void takesANewVersionOfTheKeyAtOnce() throws Exception {
        VersionedTestKeySource vault = new VersionedTestKeySource(fixture.engine(), 100);
        MemoryStore store = new MemoryStore("vol", 0);
        fixture.creator().create(VolumeStores.inBand(store), List.of(vault), VolumeFixture.ranges(4));
        try (Volume volume = fixture.opener().open(VolumeStores.inBand(store), List.of(vault), OpenOptions.DEFAULT)) {
            vault.advance();
            try (Keeper keeper = new Keeper();
                    Polling polling = KekPolling.begin("demo", new KekWatch(volume, List.of(vault)), 3600, keeper)) {
                // Lets what was begun end.
                keeper.close();
                assertEquals("2", volume.keySlots().list().get(0).version());
            }
            assertTrue(vault.versionQuestions() > 0);
        }
    }

    private static final class AlreadyCanceled implements JobControl {
        @Override
        public void checkpoint() throws JobCanceledException {
            throw new JobCanceledException("told to end");
        }

        @Override
        public void phase(String words) {}

        @Override
        public void progress(long done, long total) {}
    }
}

package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Storage that fails while the volume key is rotated: the volume goes on, and so does the rotation, with either key. */
class VolumeKeyRotationFailureTest {
    private static final int[] UNITS = {0, 16 * 40, 16 * 41};

    private final VolumeFixture fixture = new VolumeFixture();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    private Volume open(MemoryStore store) throws Exception {
        return new VolumeOpener(
                        fixture.engine(),
                        HostMemory.none(),
                        Runnable::run,
                        () -> Instant.ofEpochSecond(1),
                        (delayMillis, task) -> later.add(task))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    private MemoryStore used() throws Exception {
        MemoryStore store = fixture.create(2 * TablePage.ENTRIES);
        try (Volume volume = fixture.open(store)) {
            for (int unit : UNITS) {
                fixture.write(volume, unit, 1 + unit % 251);
            }
        }
        return store;
    }

    private void requireData(Volume volume, String where) throws Exception {
        for (int unit : UNITS) {
            assertEquals(1 + unit % 251, fixture.read(volume, unit), where);
        }
    }

    private static int rotate(Volume volume, List<KeySource> keys) throws Exception {
        VolumeKeyRotation rotation = volume.volumeKeyRotation().inGroupsOf(1);
        if (!rotation.standing().underWay()) {
            rotation.begin(keys, Set.of());
        }
        rotation.goOn(JobControl.ALONE);
        return rotation.standing().epoch();
    }

    private int operationsOfARotation() throws Exception {
        MemoryStore store = used();
        int[] count = {0};
        try (Volume volume = open(store)) {
            store.failWhen(
                    operation -> {
                        count[0]++;
                        return false;
                    },
                    Errno.EIO);
            rotate(volume, List.of(fixture.key(1)));
        }
        return count[0];
    }

    @Test
    void goesOnWhicheverOperationFailsAndWhateverItsError() throws Exception {
        int operations = operationsOfARotation();
        assertTrue(operations > 20, "begin, two groups and the end take more than " + operations);
        for (int failing = 0; failing < operations; failing++) {
            goesOnAfter(failing, Errno.EIO);
            goesOnAfter(failing, Errno.ENOSPC);
        }
    }

    private void goesOnAfter(int failing, Errno errno) throws Exception {
        String where = errno + " in operation " + failing;
        later.clear();
        MemoryStore store = used();
        try (Volume volume = open(store)) {
            int[] count = {0};
            store.failWhen(operation -> count[0]++ == failing, errno);
            try {
                rotate(volume, List.of(fixture.key(1)));
            } catch (StoreException | VolumeRefusedException failed) {
                requireData(volume, where + ", before it is mended");
            }
            store.failWhen(null, Errno.EIO);
            while (!later.isEmpty()) {
                later.remove().run();
            }
            assertEquals(Volume.State.OPEN, volume.state(), where);
            requireData(volume, where);
            int before = volume.volumeKeyRotation().standing().epoch();
            if (before == 1 || volume.volumeKeyRotation().standing().underWay()) {
                assertEquals(2, rotate(volume, List.of(fixture.key(1))), where);
            }
            requireData(volume, where);
            // Another one after it: nothing of the failed attempt is left in the way.
            assertEquals(3, rotate(volume, List.of(fixture.key(1))), where);
            requireData(volume, where);
        }
        try (Volume volume = open(store)) {
            requireData(volume, where + ", opened anew");
            assertFalse(volume.volumeKeyRotation().standing().underWay(), where);
        }
        assertTrue(
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)))
                        .findings()
                        .isEmpty(),
                where);
    }
}

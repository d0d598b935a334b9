package io.blockseal.volume.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.MetadataLayout;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.TamperRig;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a check finds in a volume that is open, and what a repair makes of it. */
@Timeout(60)
class LiveCheckTest {
    private static final long PAGE_1_B = TamperRig.PAGES_B + MetadataLayout.BLOCK_BYTES;

    private VolumeFixture fixture;
    private MemoryStore store;
    private Volume volume;

    @BeforeEach
    void open() throws Exception {
        TamperRig rig = new TamperRig();
        fixture = rig.fixture;
        store = rig.store;
        volume = fixture.open(store);
    }

    @AfterEach
    void close() {
        volume.close();
    }

    private CheckReport check() throws Exception {
        return LiveCheck.check(volume, JobControl.ALONE);
    }

    private static List<String> blocks(CheckReport report) {
        return report.findings().stream().map(CheckReport.Finding::block).toList();
    }

    @Test
    void findsNothingInAGoodVolumeAndChangesNothing() throws Exception {
        fixture.write(volume, 66 * 16, 4);
        VolumeShredder.shred(volume, 0, 1);
        String before = store.fingerprint();
        CheckReport report = check();
        assertEquals(List.of(), report.findings());
        assertTrue(report.authenticated());
        long active = 0;
        for (long range = 0; range < 70; range++) {
            active += RangeWord.state(volume.word(range)) == RangeWord.ACTIVE ? 1 : 0;
        }
        assertEquals(active, report.activeRanges());
        assertEquals(before, store.fingerprint());
    }

    @Test
    void namesEveryCopyThatIsDamagedAndRepairsIt() throws Exception {
        store.flip(TamperRig.ROOT_B + 99);
        store.flip(MetadataLayout.keySlotAreaOffset(1) + 99);
        store.flip(PAGE_1_B + 500);
        store.poke(TamperRig.PAGES_A, new byte[MetadataLayout.BLOCK_BYTES]);
        CheckReport report = check();
        assertEquals(
                List.of("root B", "key slot area B", "table page 0 copy A", "table page 1 copy B"), blocks(report));
        assertTrue(report.findings().get(2).message().startsWith("is empty"), report.toString());
        assertFalse(report.damaged(), "the daemon has all of it");
        LiveCheck.repair(volume, report.findings().size());
        assertEquals(List.of(), check().findings());
        volume.close();
        assertEquals(
                List.of(),
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)))
                        .findings());
    }

    /** Once it is closed, this would be gone for good. */
    @Test
    void bringsBackWhatNoCopyOnTheDiskHasAnyMore() throws Exception {
        store.poke(TamperRig.PAGES_A, new byte[MetadataLayout.BLOCK_BYTES]);
        store.poke(TamperRig.PAGES_B, new byte[MetadataLayout.BLOCK_BYTES]);
        assertEquals(List.of("table page 0 copy A", "table page 0 copy B"), blocks(check()));
        LiveCheck.repair(volume, 2);
        assertEquals(List.of(), check().findings());
        assertEquals(1, fixture.read(volume, 0));
        volume.close();
        volume = fixture.open(store);
        assertEquals(1, fixture.read(volume, 0));
    }

    @Test
    void takesNoCommitForDamage() throws Exception {
        CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
            for (long range = 0; range < 70; range++) {
                CompletableFuture<Errno> allocated = new CompletableFuture<>();
                volume.allocate(range, Runnable::run, allocated::complete);
                assertEquals(Errno.OK, allocated.join());
                try {
                    VolumeShredder.shred(volume, range, 1);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }
        });
        do {
            assertEquals(List.of(), check().findings());
        } while (!writing.isDone());
        writing.join();
    }

    @Test
    void saysWhichBlockCannotBeReadAndThatCommitsHaveStopped() throws Exception {
        store.spoil(PAGE_1_B);
        CheckReport report = check();
        assertEquals(List.of("table page 1 copy B"), blocks(report));
        assertTrue(report.findings().get(0).message().startsWith("cannot be read"), report.toString());
        store.failWhen(operation -> operation.kind() == MemoryStore.Kind.WRITE, Errno.EIO);
        assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 69));
        store.failWhen(null, Errno.EIO);
        CheckReport stopped = check();
        assertEquals("metadata", stopped.findings().get(0).block(), stopped.toString());
        LiveCheck.repair(volume, 1);
        assertEquals(List.of(), check().findings());
        assertEquals(Errno.OK, VolumeFixture.allocate(volume, 69));
    }

    @Test
    void aMirrorIsCheckedAsWell() throws Exception {
        volume.close();
        MemoryStore mirror = new MemoryStore("mirror", 0);
        volume = fixture.opener()
                .open(VolumeStores.inBand(store).mirroredOn(mirror), List.of(fixture.key(1)), OpenOptions.DEFAULT);
        assertEquals(List.of(), check().findings());
        mirror.flip(PAGE_1_B + 77);
        assertEquals(List.of("mirror table page 1 copy B"), blocks(check()));
        LiveCheck.repair(volume, 1);
        assertEquals(List.of(), check().findings());
        assertEquals(Volume.Mirror.UP, volume.mirror());
    }

    @Test
    void aLockedVolumeHasNoKeysToVerifyBy() throws Exception {
        volume.lock().lock(VolumeLock.Policy.FAIL);
        VolumeRefusedException locked = assertThrows(VolumeRefusedException.class, this::check);
        assertTrue(locked.getMessage().contains("is locked; unlock it first"), locked.getMessage());
    }

    @Test
    void aKeyThatIsNamedMustOpenIt() throws Exception {
        volume.keySlots().requireOpenedBy(fixture.key(1));
        assertThrows(WrongKeyException.class, () -> volume.keySlots().requireOpenedBy(fixture.key(2)));
    }

    @Test
    void whatIsOpenForReadingIsCheckedAndLeftAlone() throws Exception {
        volume.close();
        volume = fixture.open(store, OpenOptions.DEFAULT.forReading());
        store.flip(PAGE_1_B + 500);
        assertEquals(List.of("table page 1 copy B"), blocks(check()));
        VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> LiveCheck.repair(volume, 1));
        assertTrue(refused.getMessage().contains("open for reading only"), refused.getMessage());
    }
}

package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VersionedTestKeySource.Manner;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class KekWatchTest {
    private final VolumeFixture fixture = new VolumeFixture();
    private final VersionedTestKeySource vault = new VersionedTestKeySource(fixture.engine(), 100);
    private final MemoryStore store = new MemoryStore("vol", 0);
    private Volume volume;
    private KekWatch watch;

    @BeforeEach
    void open() throws Exception {
        fixture.creator().create(VolumeStores.inBand(store), List.of(vault, fixture.key(1)), VolumeFixture.ranges(4));
        volume = fixture.opener().open(VolumeStores.inBand(store), List.of(vault), OpenOptions.DEFAULT);
        watch = new KekWatch(volume, List.of(vault));
    }

    @AfterEach
    void close() {
        volume.close();
    }

    private String version() throws Exception {
        return volume.keySlots().list().get(0).version();
    }

    @Test
    void takesANewVersionOnceAndLeavesOtherSlotsAlone() throws Exception {
        assertEquals(0, watch.look());
        vault.advance();
        assertEquals(1, watch.look());
        assertEquals("2", version());
        String after = store.fingerprint();
        assertEquals(0, watch.look());
        assertEquals(after, store.fingerprint());
        vault.disableOld();
        volume.close();
        fixture.opener()
                .open(VolumeStores.inBand(store), List.of(vault), OpenOptions.DEFAULT)
                .close();
        fixture.open(store).close();
    }

    @Test
    void changesNothingWhileTheSourceFailsOrLiesAndTriesAgain() throws Exception {
        vault.advance().reachable(false);
        String before = store.fingerprint();
        assertEquals(0, watch.look());
        vault.reachable(true).unwrapping(Manner.WRONG_BYTES);
        assertEquals(0, watch.look());
        assertEquals(before, store.fingerprint());
        assertEquals("1", version());
        vault.unwrapping(Manner.HONEST);
        assertEquals(1, watch.look());
        assertEquals("2", version());
    }

    @Test
    void isOfNoUseForKeysWithoutVersions() {
        assertTrue(watch.isOfUse());
        assertFalse(new KekWatch(volume, List.of(fixture.key(1))).isOfUse());
        assertEquals(0, new KekWatch(volume, List.of(fixture.key(1))).look());
    }
}

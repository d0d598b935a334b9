package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.MemoryStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Somebody changes the key slot areas, or puts those of another volume in their place. */
@ExtendWith(TamperTable.class)
class TamperKeySlotsTest {
    private TamperRig rig;
    private VolumeFixture fixture;
    private MemoryStore store;

    @BeforeEach
    void create() throws Exception {
        rig = new TamperRig();
        fixture = rig.fixture;
        store = rig.store;
    }

    @Test
    void ofAnotherVolumeUnderTheSameKekAreRefused() throws Exception {
        MemoryStore other = fixture.create(70);
        byte[] area = other.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
        for (int i = 0; i < 2; i++) {
            store.poke(MetadataLayout.keySlotAreaOffset(i), area);
        }
        assertEquals(
                "key slot hash", rig.refused(MalformedVolumeException.class).field());
        try (Forger forger = new Forger(fixture.engine(), other, fixture.key(1))) {
            byte[] hash = KeySlotArea.decode(area).sha256();
            RootBlock root =
                    RootBlock.decode(store.peek(0, 4096), "root").copy().keySlots(0, hash);
            root.seal(root.mac());
            store.poke(0, root.image());
            store.poke(1 << 20, root.image());
            assertEquals("mac", rig.refused(MalformedVolumeException.class).field());
        }
        TamperTable.add("T8", "key slots of another volume under the same KEK: refused by hash, then by MAC", 2, 0);
    }

    @Test
    void thatAForgedNewerRootBringsAlongDoNotShutTheOwnerOut() throws Exception {
        String before = store.fingerprint();
        byte[] junk = fixture.create(70).peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
        KeySlotArea area = KeySlotArea.decode(junk).without(0);
        store.poke(MetadataLayout.keySlotAreaOffset(0), area.image());
        RootBlock root = RootBlock.decode(store.peek(0, 4096), "root").copy();
        root.commitSeq(root.commitSeq() + 100).keySlots(0, area.sha256()).seal(root.mac());
        store.poke(0, root.image());
        try (Volume volume = fixture.open(store)) {
            assertEquals(1, fixture.read(volume, 0));
        }
        assertEquals(before, store.fingerprint(), "healed");
    }

    @Test
    void openFromTheOtherAreaWhenOneIsDamaged() throws Exception {
        String before = store.fingerprint();
        for (int i = 0; i < 2; i++) {
            store.flip(MetadataLayout.keySlotAreaOffset(i) + 5000);
            try (Volume volume = fixture.open(store)) {
                assertEquals(1, fixture.read(volume, 0));
            }
            assertEquals(before, store.fingerprint(), "healed");
        }
    }
}

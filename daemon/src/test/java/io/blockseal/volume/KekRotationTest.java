package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VersionedTestKeySource.Manner;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Another KEK in the place of the one that opens a volume. */
class KekRotationTest {
    private final VolumeFixture fixture = new VolumeFixture();
    private final VersionedTestKeySource vault = new VersionedTestKeySource(fixture.engine(), 100);

    private MemoryStore create() throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        fixture.creator().create(VolumeStores.inBand(store), List.of(vault), VolumeFixture.ranges(4));
        return store;
    }

    private Volume openBy(MemoryStore store, KeySource source) throws Exception {
        return fixture.opener().open(VolumeStores.inBand(store), List.of(source), OpenOptions.DEFAULT);
    }

    @Test
    void takesTheNewestVersionSoThatTheOldOneMayBeDisabled() throws Exception {
        MemoryStore store = create();
        try (Volume volume = openBy(store, vault)) {
            fixture.write(volume, 3, 9);
            vault.advance();
            try (AuditLines audit = AuditLines.listen()) {
                assertEquals(0, volume.keySlots().rewrap(-1, List.of(vault), vault));
                assertEquals(1, audit.of(AuditEvent.KEY_SLOT_REWRAPPED).size());
            }
            assertEquals("2", volume.keySlots().list().get(0).version());
        }
        vault.disableOld();
        try (Volume volume = openBy(store, vault)) {
            assertEquals(9, fixture.read(volume, 3));
        }
    }

    @Test
    void replacesTheSlotThatTheGivenKeyOpensIfNoneIsNamed() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "second");
            assertEquals(1, volume.keySlots().rewrap(-1, List.of(fixture.key(2)), fixture.key(3)));
        }
        fixture.open(store).close();
        openBy(store, fixture.key(3)).close();
        assertThrows(WrongKeyException.class, () -> openBy(store, fixture.key(2)));
    }

    @Test
    void letsTheSourceWrapAnewWhatIsItsOwnAndOnlyThat() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().rewrap(-1, List.of(fixture.key(1)), vault);
            assertEquals(0, vault.rewraps());
            vault.advance();
            volume.keySlots().rewrap(-1, List.of(vault), vault);
            assertEquals(1, vault.rewraps());
        }
        openBy(store, vault).close();
    }

    @Nested
    class IsRefused {
        private String before = "";

        private void unchanged(MemoryStore store) {
            assertEquals(before, store.fingerprint(), "something was written");
        }

        @Test
        void forTheKeyThatIsThereAlready() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                before = store.fingerprint();
                VolumeRefusedException refused = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                        .rewrap(-1, List.of(fixture.key(1)), fixture.key(1)));
                assertEquals(Reason.UNSUITABLE, refused.reason());
                assertTrue(refused.getMessage().contains("key slot 0 has already (test:1)"), refused.getMessage());
                assertTrue(refused.getMessage().contains("knows no versions"), refused.getMessage());
                assertTrue(refused.getMessage().contains("blockseal key add vol "), refused.getMessage());
                assertTrue(refused.getMessage().contains("blockseal key remove vol --slot 0"), refused.getMessage());
                unchanged(store);
            }
        }

        @Test
        void forAVersionThatIsTheNewestAlready() throws Exception {
            MemoryStore store = create();
            try (Volume volume = openBy(store, vault)) {
                before = store.fingerprint();
                VolumeRefusedException refused = assertThrows(
                        VolumeRefusedException.class, () -> volume.keySlots().rewrap(-1, List.of(vault), vault));
                assertTrue(refused.getMessage().contains("version 1"), refused.getMessage());
                unchanged(store);
            }
        }

        @Test
        void forASourceThatGivesOtherBytesBack() throws Exception {
            refusesTheSource(Manner.WRONG_BYTES, "gave another key back than it was given");
        }

        @Test
        void forASourceThatDoesNotOpenWhatItWrapped() throws Exception {
            refusesTheSource(Manner.REFUSES, "does not open what it has just wrapped");
        }

        private void refusesTheSource(Manner manner, String words) throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                before = store.fingerprint();
                vault.unwrapping(manner);
                KeySourceException refused = assertThrows(
                        KeySourceException.class, () -> volume.keySlots().rewrap(0, List.of(fixture.key(1)), vault));
                assertTrue(refused.getMessage().contains(words), refused.getMessage());
                unchanged(store);
                KeySourceException alsoRefused = assertThrows(
                        KeySourceException.class, () -> volume.keySlots().add(List.of(fixture.key(1)), vault, "vault"));
                assertTrue(alsoRefused.getMessage().contains(words), alsoRefused.getMessage());
                unchanged(store);
            }
            fixture.open(store).close();
        }

        @Test
        void forAnOldKeyThatOpensNothing() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                before = store.fingerprint();
                assertThrows(WrongKeyException.class, () -> volume.keySlots()
                        .rewrap(-1, List.of(fixture.key(2)), fixture.key(3)));
                unchanged(store);
            }
        }
    }
}

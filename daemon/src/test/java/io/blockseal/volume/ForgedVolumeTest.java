package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.table.EpochKeys;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Somebody who knows no more than the public key of a volume's key slot puts a volume of his own in its place: the same
 * UUID and shape, a key slot that the owner's vault opens, every MAC right. He then knows the key of all that is written.
 */
@ExtendWith(TamperTable.class)
class ForgedVolumeTest {
    private static final String WHAT =
            "a volume forged with a public key: refused by pin, by expectation, or as unknown";

    private final VolumeFixture fixture = new VolumeFixture();

    @TempDir
    private Path directory;

    private RsaTestKeySource owner = create();
    private MemoryStore genuine = new MemoryStore("none", 0);
    private MemoryStore forged = new MemoryStore("none", 0);
    private VolumeCreator.@Nullable Created created;
    private String identity = "";

    private RsaTestKeySource create() {
        try {
            return RsaTestKeySource.create(fixture.engine());
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    @BeforeEach
    void createAndForge() throws Exception {
        genuine = new MemoryStore("vol", 0);
        VolumeCreator.Created made =
                fixture.creator().create(VolumeStores.inBand(genuine), List.of(owner), VolumeFixture.ranges(70));
        created = made;
        identity = made.identity();
        forged = genuine.copy();
        forge(forged, owner.publicHalf());
    }

    /** With what is on the disk and a public key. */
    private void forge(MemoryStore store, KeySource publicHalf) throws Exception {
        RootBlock root = RootBlock.decode(store.peek(0, MetadataLayout.BLOCK_BYTES), "root");
        try (Secret mine = Secret.random(fixture.engine().keys(), 32);
                EpochKeys keys = EpochKeys.derive(fixture.engine(), root.uuidBytes(), root.vkEpoch(), mine)) {
            KeySlotArea area = KeySlotArea.empty()
                    .with(
                            0,
                            KeySlotCodec.toSlot(
                                    publicHalf, publicHalf.wrap(mine, new Binding(root.uuid())), "kek", 1, 1));
            RootBlock mineToo = root.copy()
                    .commitSeq(root.commitSeq() + 1000)
                    .keySlots(0, area.sha256())
                    .tableRoot(new byte[32])
                    .identityTag(keys.identityTag());
            mineToo.seal(keys.mac(mineToo));
            for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                store.poke(MetadataLayout.rootOffset(copy), mineToo.image());
                store.poke(MetadataLayout.keySlotAreaOffset(copy), area.image());
            }
        }
        store.startRecording();
    }

    private Volume open(HostMemory memory, MemoryStore store, OpenOptions options) throws Exception {
        return fixture.opener(memory).open(VolumeStores.inBand(store), List.of(owner), options);
    }

    private String refused(HostMemory memory, MemoryStore store, OpenOptions options) {
        String before = store.fingerprint();
        VolumeRefusedException e = assertThrows(
                VolumeRefusedException.class, () -> open(memory, store, options).close());
        assertEquals(Reason.IDENTITY, e.reason());
        assertEquals(before, store.fingerprint(), "a refusal changes nothing");
        TamperTable.add("T7", WHAT, 1, 0);
        return String.valueOf(e.getMessage());
    }

    @Test
    void isRefusedByTheHostThatKnowsTheVolume() throws Exception {
        HostMemory memory = HostMemory.in(directory);
        open(memory, genuine, OpenOptions.DEFAULT.expecting(identity)).close();
        try (AuditLines audit = AuditLines.listen()) {
            String message = refused(memory, forged, OpenOptions.DEFAULT);
            assertTrue(message.contains(identity), message);
            refused(memory, forged, OpenOptions.DEFAULT.forReading());
            refused(memory, forged, OpenOptions.DEFAULT.acceptingRollback());
            assertEquals(3, audit.of(AuditEvent.IDENTITY_REFUSED).size());
        }
        open(memory, genuine, OpenOptions.DEFAULT).close();
    }

    @Test
    void isRefusedByTheHostThatMadeTheVolumeWhichOpensThereAtOnce() throws Exception {
        VolumeCreator.Created made = Objects.requireNonNull(created);
        assertTrue(made.anybodyCanWrap());
        try (AuditLines audit = AuditLines.listen()) {
            IdentityPins.in(directory).remember("vol", made);
            assertTrue(audit.of(AuditEvent.IDENTITY_PINNED).get(0).contains("identity=" + identity));
        }
        HostMemory memory = HostMemory.in(directory);
        open(memory, genuine, OpenOptions.DEFAULT).close();
        assertTrue(refused(memory, forged, OpenOptions.DEFAULT).contains("remembers " + identity));
    }

    @Test
    void isRefusedByAHostThatDoesNotAndSoIsTheGenuineOne() throws Exception {
        for (MemoryStore store : List.of(forged, genuine)) {
            for (HostMemory memory : List.of(HostMemory.in(directory), HostMemory.none())) {
                String message = refused(memory, store, OpenOptions.DEFAULT);
                assertTrue(message.contains("never seen"), message);
                assertTrue(message.contains("--trust-identity"), message);
            }
        }
    }

    @Test
    void isRefusedByWhatIsExpectedWhoeverIsTrusted() throws Exception {
        HostMemory memory = HostMemory.in(directory);
        refused(memory, forged, OpenOptions.DEFAULT.expecting(identity));
        refused(memory, forged, OpenOptions.DEFAULT.expecting(identity).trustingIdentity());
        open(memory, genuine, OpenOptions.DEFAULT.expecting(identity)).close();
    }

    @Test
    void isTakenForTheGenuineOneByWhomTheOperatorTellsTo() throws Exception {
        HostMemory memory = HostMemory.in(directory);
        open(memory, genuine, OpenOptions.DEFAULT.expecting(identity)).close();
        try (AuditLines audit = AuditLines.listen()) {
            open(memory, forged, OpenOptions.DEFAULT.trustingIdentity()).close();
            List<String> lines = audit.of(AuditEvent.IDENTITY_TRUSTED);
            assertEquals(1, lines.size());
            assertTrue(lines.get(0).contains(" was=" + identity + " "), lines.get(0));
            open(memory, forged, OpenOptions.DEFAULT).close();
            assertEquals(1, audit.of(AuditEvent.IDENTITY_TRUSTED).size(), "once is enough");
        }
        refused(memory, genuine, OpenOptions.DEFAULT);
    }

    @Test
    void canBeMadeByNobodyWhereASecretWraps() {
        Set<WrapAlgorithm> byPublicKeys = EnumSet.of(WrapAlgorithm.RSA_OAEP_256, WrapAlgorithm.ECMR_HKDF_KWP);
        for (WrapAlgorithm algorithm : WrapAlgorithm.values()) {
            assertEquals(byPublicKeys.contains(algorithm), algorithm.anybodyCanWrap());
        }
        assertFalse(identity.isEmpty());
    }
}

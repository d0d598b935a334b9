package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotType;
import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.volume.metadata.VolumeStores;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A passphrase's key slot says how much memory and time its unwrapping takes, and says it before anything vouches for it.
 * One that asks for more than slots may is refused before the first byte is allocated for it.
 */
@ExtendWith(TamperTable.class)
class Argon2BombTest {
    private static final long ALLOCATED_MAX = 10 << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static byte[] parameters(int memoryKib, int passes, int lanes) {
        return ByteBuffer.allocate(36)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(new byte[] {1, 4})
                .putInt(memoryKib)
                .put(new byte[] {2, 4})
                .putInt(passes)
                .put(new byte[] {3, 4})
                .putInt(lanes)
                .put(new byte[] {4, 16})
                .array();
    }

    @Test
    void isRefusedAtOnceAndAllocatesNothing() throws Exception {
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
        try (Forger forger = rig.forger();
                TamperTally tally = new TamperTally("T9", "Argon2 asking for too much: refused, < 10 MB allocated")) {
            for (int memory : new int[] {64 << 20, (4 << 20) + 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 0}) {
                bomb(tally, rig, forger, good, memory, 3, 4);
            }
            for (int passes : new int[] {-1, 65, Integer.MAX_VALUE, Integer.MIN_VALUE, 0}) {
                bomb(tally, rig, forger, good, 64 << 10, passes, 4);
            }
            for (int lanes : new int[] {-1, 17, 0xff_ffff, Integer.MIN_VALUE, 0}) {
                bomb(tally, rig, forger, good, 64 << 10, 3, lanes);
            }
            bomb(tally, rig, forger, good, 64 << 20, -1, 4);
        }
    }

    private void bomb(TamperTally tally, TamperRig rig, Forger forger, byte[] good, int memory, int passes, int lanes) {
        tally.state(memory + " KiB, " + passes + " passes, " + lanes + " lanes", () -> {
            rig.pokeRoots(good);
            KeySlot slot = new KeySlot(
                    KeySlotType.PASSPHRASE.code(),
                    KeySlot.State.ACTIVE,
                    1,
                    0,
                    1,
                    WrapAlgorithm.ARGON2ID_KWP.code(),
                    "bomb",
                    "",
                    "",
                    parameters(memory, passes, lanes),
                    new byte[40]);
            KeySlotArea area = KeySlotArea.empty().with(0, slot);
            for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                rig.store.poke(MetadataLayout.keySlotAreaOffset(copy), area.image());
            }
            forger.forgeRoots(root -> root.keySlots(0, area.sha256()));
            String before = rig.store.fingerprint();
            try (PassphraseKeySource source = new PassphraseKeySource(
                    rig.fixture.engine(),
                    () -> "correct horse battery".getBytes(StandardCharsets.US_ASCII),
                    PassphrasePolicy.DEFAULT)) {
                long allocated = THREADS.getCurrentThreadAllocatedBytes();
                KeySourceException refused = null;
                try {
                    rig.fixture
                            .opener()
                            .open(VolumeStores.inBand(rig.store), List.of(source), OpenOptions.DEFAULT)
                            .close();
                } catch (KeySourceException e) {
                    refused = e;
                }
                allocated = THREADS.getCurrentThreadAllocatedBytes() - allocated;
                assertTrue(refused != null, "it was not refused");
                assertEquals(KeySourceException.Kind.MISCONFIGURED, refused.kind());
                assertTrue(allocated < ALLOCATED_MAX, allocated + " bytes allocated");
            }
            assertEquals(before, rig.store.fingerprint());
        });
    }
}

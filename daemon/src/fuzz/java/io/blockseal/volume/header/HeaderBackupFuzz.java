package io.blockseal.volume.header;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.format.BackupLayout;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Forger;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.metadata.VolumeStores;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * A header backup that somebody changed is restored. First byte: how far he could make things right again (the checksum,
 * the root's MAC, the pages' MACs), onto what it is restored (the volume, or nothing of it), and where the file is cut.
 * Then {@link Patches} of the file.
 *
 * <p>What is refused leaves the store as it was. What is restored opens again, or is refused with a declared reason.
 */
public final class HeaderBackupFuzz implements FuzzTarget {
    private static final int CHECKSUM = 1;
    private static final int ROOT_MAC = 2;
    private static final int PAGE_MACS = 4;
    private static final int NOTHING_LEFT = 8;
    private static final int CUT = 16;

    private final VolumeFixture fixture = new VolumeFixture();
    private final MemoryStore sound;
    private final byte[] file;
    private final Forger forger;

    /** Makes a volume of three table pages in use, its backup, and a later state of it. */
    public HeaderBackupFuzz() {
        try {
            sound = fixture.create(70);
            try (Volume volume = fixture.open(sound)) {
                fixture.write(volume, 0, 1);
                fixture.write(volume, 40 * 16, 2);
            }
            BytesChannel channel = new BytesChannel(new byte[0]);
            BackupFile.write(
                    channel, HeaderSnapshot.take(VolumeStores.inBand(sound), 1_700_000_000, CheckProgress.SILENT));
            file = channel.bytes();
            forger = new Forger(fixture.engine(), sound, fixture.key(1));
            try (Volume volume = fixture.open(sound)) {
                fixture.write(volume, 69 * 16, 3);
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public Seeds seeds() {
        byte[] all = {CHECKSUM | ROOT_MAC | PAGE_MACS};
        return new Seeds()
                .add("untouched", new byte[] {0})
                .add("onto-nothing", new byte[] {NOTHING_LEFT})
                .add("flipped", new byte[] {0}, Patches.encode(0x30, (byte) 1))
                .add("cut", new byte[] {CUT}, Patches.encode(0x5000, (byte) 1))
                .add("record-count", new byte[] {CHECKSUM}, Patches.encode(12, (byte) -1, (byte) -1, (byte) -1))
                .add("root-altered", new byte[] {CHECKSUM}, Patches.encode(BackupLayout.ROOT + 0x48, (byte) 17))
                .add("root-forged", all, Patches.encode(BackupLayout.ROOT + 0x2d0, (byte) 'x'))
                .add("size-forged", all, Patches.encode(BackupLayout.ROOT + 0x41, (byte) 1))
                .add("slot-altered", new byte[] {CHECKSUM}, Patches.encode(BackupLayout.KEY_SLOTS + 0x200, (byte) 1))
                .add("page-index", all, Patches.encode(BackupLayout.RECORDS, (byte) 1))
                .add("page-forged", all, Patches.encode(BackupLayout.RECORDS + 4 + 128 + 8, (byte) 3))
                .add("state-forged", all, Patches.encode(BackupLayout.RECORDS + 4 + 128, (byte) 9));
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int how = draw.u8();
        byte[] changed = madeRight(Patches.apply(file, draw), how);
        if ((how & CUT) != 0) {
            changed = Arrays.copyOf(changed, (changed[0x30] & 0xff) * changed.length / 256);
        }
        MemoryStore store = sound.copy();
        if ((how & NOTHING_LEFT) != 0) {
            store.zero(0, MetadataLayout.EXTENT_BYTES);
        }
        String before = store.fingerprint();
        if (!restored(store, changed)) {
            promise(before.equals(store.fingerprint()), "a refused restore changes nothing");
            return;
        }
        try {
            fixture.open(store).close();
        } catch (StoreException | MalformedVolumeException | VolumeRefusedException declared) {
            promise(declared.getMessage() != null && !declared.getMessage().isBlank(), "refused without a reason");
        }
    }

    private boolean restored(MemoryStore store, byte[] changed) throws Exception {
        try {
            HeaderBackup backup = BackupFile.read(new BytesChannel(changed), "backup");
            RestoreRequest request = new RestoreRequest("backup", List.of(fixture.key(1)), -1, false, false, false);
            try (HeaderRestore restore = HeaderRestore.plan(
                    fixture.engine(),
                    VolumeStores.inBand(store),
                    backup,
                    request,
                    HostMemory.none(),
                    CheckProgress.SILENT)) {
                restore.apply(Long.MAX_VALUE, () -> Instant.ofEpochSecond(1_700_000_001));
                return true;
            }
        } catch (MalformedVolumeException
                | VolumeRefusedException
                | StoreException
                | KeySourceException
                | WrongKeyException declared) {
            promise(declared.getMessage() != null && !declared.getMessage().isBlank(), "refused without a reason");
            return false;
        }
    }

    private byte[] madeRight(byte[] changed, int how) throws Exception {
        int records = (changed.length - BackupLayout.RECORDS - BackupLayout.TRAILER_BYTES) / BackupLayout.RECORD_BYTES;
        for (int i = 0; (how & PAGE_MACS) != 0 && i < records; i++) {
            int at = BackupLayout.RECORDS + i * BackupLayout.RECORD_BYTES + Integer.BYTES;
            put(changed, at, forger.sealedPage(Arrays.copyOfRange(changed, at, at + MetadataLayout.BLOCK_BYTES)));
        }
        if ((how & ROOT_MAC) != 0) {
            byte[] area = Arrays.copyOfRange(
                    changed, BackupLayout.KEY_SLOTS, BackupLayout.KEY_SLOTS + KeySlotArea.AREA_BYTES);
            byte[] root = Arrays.copyOfRange(changed, BackupLayout.ROOT, BackupLayout.KEY_SLOTS);
            byte[] sealed = forger.sealed(root);
            try {
                RootBlock named = RootBlock.decode(sealed, "root").copy();
                named.keySlots(named.keySlotArea(), KeySlotArea.decode(area).sha256());
                sealed = forger.sealed(named.image());
            } catch (MalformedVolumeException e) {
                // Then it stays what a reader refuses at the first look.
                sealed = root;
            }
            put(changed, BackupLayout.ROOT, sealed);
        }
        if ((how & CHECKSUM) != 0) {
            int end = changed.length - BackupLayout.TRAILER_BYTES;
            put(changed, end, MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(changed, end)));
        }
        return changed;
    }

    private static void put(byte[] target, int at, byte[] bytes) {
        System.arraycopy(bytes, 0, target, at, bytes.length);
    }
}

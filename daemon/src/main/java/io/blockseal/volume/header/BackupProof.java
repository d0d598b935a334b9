package io.blockseal.volume.header;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.slot.VolumeUnlock;
import io.blockseal.volume.slot.VolumeUnlock.Opened;
import io.blockseal.volume.slot.WrappedBy;
import io.blockseal.volume.table.EntryCheck;
import io.blockseal.volume.table.TableRoot;
import io.blockseal.volume.table.VolumeKeys;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;

/**
 * Proves a header backup with a key that opens it: the root's MAC, every page's, table_root, and every DEK unwraps. A
 * checksum is right on whatever somebody made up; only this says that the volume's owner wrote it.
 */
final class BackupProof {
    private BackupProof() {}

    /** The keys that prove a backup, and how the slot that gave them wraps the volume key. */
    record Proven(VolumeKeys keys, WrappedBy wrappedBy) {}

    /**
     * The keys that proved it; the caller closes them.
     *
     * @param name the backup, for messages
     * @throws MalformedVolumeException if anything in it was altered
     */
    static Proven prove(CryptoEngine engine, HeaderBackup backup, String name, List<KeySource> sources, int onlySlot)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        return new VolumeUnlock(name, name, sources, SlotChoice.of(onlySlot))
                .open(backup.area(), backup.root().uuid(), opened -> proven(engine, backup, name, opened));
    }

    private static Proven proven(CryptoEngine engine, HeaderBackup backup, String name, Opened opened)
            throws MalformedVolumeException {
        RootBlock root = backup.root();
        VolumeKeys keys = VolumeKeys.derive(engine, root.uuidBytes(), root.vkEpoch(), opened.volumeKey());
        boolean proven = false;
        try {
            prove(engine, backup, name, keys, opened);
            proven = true;
        } finally {
            if (!proven) {
                keys.close();
            }
        }
        opened.close();
        return new Proven(keys, opened.wrappedBy());
    }

    private static void prove(CryptoEngine engine, HeaderBackup backup, String name, VolumeKeys keys, Opened opened)
            throws MalformedVolumeException {
        RootBlock root = backup.root();
        if (!keys.verifies(root)) {
            throw new MalformedVolumeException(
                    name + ": root",
                    "mac",
                    "does not verify: altered, or of another volume's key (that of key slot " + opened.slot() + ")");
        }
        opened.requireEpochOf(root);
        keys.takePrevious(root, opened.volumeKey());
        if (!MessageDigest.isEqual(keys.identityTag(), root.identityTag())) {
            throw new MalformedVolumeException(name + ": root", "identity tag", "is not that of its volume key");
        }
        TableRoot sum = new TableRoot(new byte[32]);
        for (TablePage page : backup.pages()) {
            if (!keys.verifies(page)) {
                throw new MalformedVolumeException(
                        name + ": table page " + page.index(), "mac", "does not verify: altered");
            }
            sum.toggle(keys.tableTerm(page));
        }
        if (!Arrays.equals(sum.bytes(), root.tableRoot())) {
            throw new MalformedVolumeException(
                    name + ": root", "table_root", "its pages are not those that the root describes: altered");
        }
        requireSensible(engine, backup, name, keys);
    }

    private static void requireSensible(CryptoEngine engine, HeaderBackup backup, String name, VolumeKeys keys)
            throws MalformedVolumeException {
        MalformedVolumeException[] first = new MalformedVolumeException[1];
        EntryCheck check = new EntryCheck(engine, backup.root(), keys, (block, field, found) -> {
            if (first[0] == null) {
                first[0] = new MalformedVolumeException(name + ": " + block, field, found);
            }
        });
        for (TablePage page : backup.pages()) {
            check.page(page);
            if (first[0] != null) {
                throw first[0];
            }
        }
    }
}

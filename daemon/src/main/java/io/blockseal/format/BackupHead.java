package io.blockseal.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;

/**
 * The part of a header backup that every one has: the first {@link BackupLayout#RECORDS} bytes. Trusted as much as its
 * checksums deserve until the owner of the keys has verified the root's MAC.
 *
 * @param createdSeconds when the backup was made, Unix time
 * @param recordCount how many table pages follow
 * @param root the volume's root at that time
 * @param area the key slots that go with it
 */
public record BackupHead(long createdSeconds, int recordCount, RootBlock root, KeySlotArea area) {
    /** The bytes of the file up to the first record. */
    public byte[] encode() {
        byte[] image = new byte[BackupLayout.RECORDS];
        ByteBuffer bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(0, BackupLayout.MAGIC);
        bytes.putInt(BackupLayout.FILE_VERSION, BackupLayout.VERSION);
        bytes.putInt(BackupLayout.RECORD_COUNT, recordCount);
        bytes.put(BackupLayout.UUID, root.uuidBytes());
        bytes.putLong(BackupLayout.COMMIT_SEQ, root.commitSeq());
        bytes.putLong(BackupLayout.CREATED, createdSeconds);
        bytes.put(BackupLayout.ROOT, root.image());
        bytes.put(BackupLayout.KEY_SLOTS, area.image());
        return image;
    }

    /**
     * Reads {@link BackupLayout#RECORDS} bytes, checking all that needs no key and no record; afterwards the length of
     * the whole file is known and bounded by the size of the volume.
     *
     * @param file what to call it in messages
     */
    public static BackupHead decode(byte[] source, String file) throws MalformedVolumeException {
        if (source.length != BackupLayout.RECORDS) {
            throw new MalformedVolumeException(file, "length", source.length + " bytes, not " + BackupLayout.RECORDS);
        }
        ByteBuffer bytes = ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN);
        require(bytes.getLong(0) == BackupLayout.MAGIC, file, "magic", "this is not a header backup");
        int version = bytes.getInt(BackupLayout.FILE_VERSION);
        require(
                version == BackupLayout.VERSION,
                file,
                "version",
                version + "; this release reads " + BackupLayout.VERSION + ", use a newer one");
        RootBlock root = RootBlock.decode(slice(bytes, BackupLayout.ROOT, MetadataLayout.BLOCK_BYTES), file + ": root");
        require(root.unknownIncompat() == 0, file, "incompat", "uses features that this release does not know");
        root.requireConsistent();
        KeySlotArea area = KeySlotArea.decode(slice(bytes, BackupLayout.KEY_SLOTS, KeySlotArea.AREA_BYTES));
        require(
                MessageDigest.isEqual(area.sha256(), root.keySlotHash()),
                file,
                "key slots",
                "have not the hash that the root names: damaged");
        require(
                MessageDigest.isEqual(slice(bytes, BackupLayout.UUID, RootLayout.UUID_BYTES), root.uuidBytes()),
                file,
                "uuid",
                "is not the root's: damaged");
        long commit = bytes.getLong(BackupLayout.COMMIT_SEQ);
        require(commit == root.commitSeq(), file, "commit_seq", commit + ", but the root's is " + root.commitSeq());
        int count = bytes.getInt(BackupLayout.RECORD_COUNT);
        require(
                count >= 0 && count <= root.pageCount(),
                file,
                "record count",
                count + " for a volume of " + root.pageCount() + " table pages");
        for (int i = BackupLayout.RESERVED; i < BackupLayout.HEAD_BYTES; i++) {
            require(source[i] == 0, file, "head", "the byte at " + i + " is not zero: damaged");
        }
        return new BackupHead(bytes.getLong(BackupLayout.CREATED), count, root, area);
    }

    /** How long the whole file has to be. */
    public long fileBytes() {
        return BackupLayout.fileBytes(recordCount);
    }

    private static byte[] slice(ByteBuffer bytes, int offset, int length) {
        byte[] part = new byte[length];
        bytes.get(offset, part);
        return part;
    }

    private static void require(boolean holds, String file, String field, String found)
            throws MalformedVolumeException {
        if (!holds) {
            throw new MalformedVolumeException(file, field, found);
        }
    }
}

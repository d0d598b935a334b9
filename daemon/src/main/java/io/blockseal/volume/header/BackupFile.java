package io.blockseal.volume.header;

import io.blockseal.format.BackupHead;
import io.blockseal.format.BackupLayout;
import io.blockseal.format.BackupRecord;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.TreeMap;

/**
 * Reads and writes header backups (docs/format.md, "Header backup"). A file appears under its name complete and durable,
 * or not at all; nothing of a file is believed before its length and its checksum are right. On any thread that may
 * wait for a disk.
 */
public final class BackupFile {
    private static final int STRIDE_RECORDS = 256;

    private BackupFile() {}

    /**
     * Writes it with mode 0600.
     *
     * @param replace whether an older backup of the same volume may be replaced; nothing else ever is
     * @throws VolumeRefusedException if something else has the name; nothing was changed
     */
    public static void write(Path path, HeaderBackup backup, boolean replace)
            throws IOException, VolumeRefusedException {
        refuseToDestroy(path, backup, replace);
        Path target = path.toAbsolutePath();
        Path folder = target.getParent();
        if (folder == null) {
            throw new IOException(path + ": is no place for a file");
        }
        if (Files.notExists(folder)) {
            throw new IOException(path + ": cannot be written: the folder " + path.getParent() + " is not there");
        }
        Path temporary = Files.createTempFile(
                folder,
                target.getFileName() + ".",
                ".new",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                write(channel, backup);
                channel.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Looks whether the name may be taken. */
    static void refuseToDestroy(Path path, HeaderBackup backup, boolean replace)
            throws IOException, VolumeRefusedException {
        if (!Files.exists(path)) {
            return;
        }
        if (!replace) {
            throw new VolumeRefusedException(
                    Reason.NOT_EMPTY,
                    path + ": exists already and is left alone. Choose another name, or replace it with --force.");
        }
        byte[] head = new byte[BackupLayout.RECORDS];
        boolean complete = false;
        if (Files.isRegularFile(path)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                complete = readFully(channel, head, head.length);
            }
        }
        try {
            RootBlock found =
                    complete ? BackupHead.decode(head, path.toString()).root() : null;
            if (found != null && backup.uuid().equals(found.uuid())) {
                refuseIfNotNewer(path, found, backup.root());
                return;
            }
        } catch (MalformedVolumeException e) {
            complete = false;
        }
        throw new VolumeRefusedException(
                Reason.NOT_EMPTY,
                path + ": is " + (complete ? "the backup of another volume" : "no header backup")
                        + " and is left alone, also with --force. Choose another name.");
    }

    /** A job that repeats must not replace the good backup by that of a disk which was put back, or forged. */
    private static void refuseIfNotNewer(Path path, RootBlock old, RootBlock fresh) throws VolumeRefusedException {
        String what = null;
        if (!MessageDigest.isEqual(old.identityTag(), fresh.identityTag())) {
            what = "is of a volume with another key: the volume, or the backup, was replaced";
        } else if (old.commitSeq() > fresh.commitSeq()) {
            what = "is of commit " + old.commitSeq() + ", but the volume is at commit " + fresh.commitSeq()
                    + ": its metadata is older than the backup";
        } else if (old.commitSeq() == fresh.commitSeq() && !MessageDigest.isEqual(old.tableRoot(), fresh.tableRoot())) {
            what = "is of the same commit, " + old.commitSeq() + ", with another table";
        }
        if (what != null) {
            throw new VolumeRefusedException(
                    Reason.ROLLBACK,
                    path + ": " + what
                            + ". It is left alone, also with --force. Find out why, and choose another name.");
        }
    }

    /**
     * Reads one.
     *
     * @throws MalformedVolumeException if it is no backup, or a damaged one: a single bit is enough
     */
    public static HeaderBackup read(Path path) throws IOException, MalformedVolumeException {
        if (!Files.isRegularFile(path)) {
            throw new IOException(path + ": " + (Files.exists(path) ? "is no regular file" : "no such file"));
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return read(channel, path.toString());
        }
    }

    static void write(SeekableByteChannel channel, HeaderBackup backup) throws IOException {
        MessageDigest digest = sha256();
        put(channel, backup.head().encode(), digest);
        for (TablePage page : backup.pages()) {
            put(channel, BackupRecord.encode(page), digest);
        }
        writeFully(channel, digest.digest());
    }

    /** From the start of the channel; {@code name} for messages. Allocates no more than the file is long. */
    static HeaderBackup read(SeekableByteChannel channel, String name) throws IOException, MalformedVolumeException {
        byte[] first = new byte[BackupLayout.RECORDS];
        if (!readFully(channel, first, first.length)) {
            throw new MalformedVolumeException(
                    name, "length", channel.size() + " bytes: cut short, or not a header backup");
        }
        BackupHead head = BackupHead.decode(first, name);
        if (channel.size() != head.fileBytes()) {
            throw new MalformedVolumeException(
                    name, "length", channel.size() + " bytes, but its head says " + head.fileBytes() + ": damaged");
        }
        MessageDigest digest = sha256();
        digest.update(first);
        TreeMap<Integer, TablePage> pages = new TreeMap<>();
        byte[] stride = new byte[Math.min(STRIDE_RECORDS, head.recordCount()) * BackupLayout.RECORD_BYTES];
        int left = head.recordCount();
        while (left > 0) {
            int count = Math.min(STRIDE_RECORDS, left);
            int length = count * BackupLayout.RECORD_BYTES;
            if (!readFully(channel, stride, length)) {
                throw new MalformedVolumeException(name, "length", "it became shorter while it was read");
            }
            digest.update(stride, 0, length);
            for (int i = 0; i < count; i++) {
                int least = pages.isEmpty() ? 0 : pages.lastKey() + 1;
                TablePage page = BackupRecord.decode(stride, i * BackupLayout.RECORD_BYTES, head.root(), least, name);
                pages.put(page.index(), page);
            }
            left -= count;
        }
        byte[] trailer = new byte[BackupLayout.TRAILER_BYTES];
        if (!readFully(channel, trailer, trailer.length) || !MessageDigest.isEqual(trailer, digest.digest())) {
            throw new MalformedVolumeException(name, "checksum", "is not that of the contents: damaged");
        }
        return new HeaderBackup(head, pages);
    }

    private static void put(SeekableByteChannel channel, byte[] bytes, MessageDigest digest) throws IOException {
        digest.update(bytes);
        writeFully(channel, bytes);
    }

    private static void writeFully(SeekableByteChannel channel, byte[] bytes) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
    }

    private static boolean readFully(SeekableByteChannel channel, byte[] target, int length) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(target, 0, length);
        while (rest.hasRemaining()) {
            if (channel.read(rest) < 0) {
                return false;
            }
        }
        return true;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}

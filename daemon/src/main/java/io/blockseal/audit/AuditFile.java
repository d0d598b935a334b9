package io.blockseal.audit;

import io.blockseal.audit.AuditTip.Last;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The audit log as a file: one {@link AuditLine} an act, each with the hash of the one before, durable before the act is
 * answered. Several processes may write to one file. It may be renamed at any time, as logrotate does: what comes next
 * begins a new file, which says what it goes on from.
 *
 * <p>Whatever is found that we did not leave so is never mended silently: it stays as it is, and the next line tells of
 * it. From any thread but an event loop; each append waits for the disk.
 */
public final class AuditFile implements Closeable {
    private static final int OPENINGS_MAX = 100;
    /** A lock on a file is the process's: threads take turns by this. */
    private static final Object TURN = new Object();

    private final Path path;
    private @Nullable Opened opened;

    /** Two channels to one file: none may both append and read. */
    private record Opened(FileChannel reader, FileChannel writer, Object fileKey) implements Closeable {
        @Override
        public void close() throws IOException {
            try (reader) {
                writer.close();
            }
        }
    }

    private AuditFile(Path path) {
        this.path = path;
    }

    /** The file of that name, made with mode 0600 if need be; what a crash cut short in it is told of. */
    public static AuditFile open(Path path) throws IOException {
        AuditFile file = new AuditFile(path.toAbsolutePath());
        file.turn(null);
        return file;
    }

    Path path() {
        return path;
    }

    /** Adds a line, durably. If this throws, it may stand there or not, and may be added once more. */
    AuditLine append(AuditRecord record) throws IOException {
        return Objects.requireNonNull(turn(record), "a record leaves a line");
    }

    private @Nullable AuditLine turn(@Nullable AuditRecord record) throws IOException {
        synchronized (TURN) {
            boolean right = false;
            try (AuditTip tip = AuditTip.lock(path)) {
                AuditLine written = write(tip, record);
                right = true;
                return written;
            } finally {
                if (!right) {
                    close();
                }
            }
        }
    }

    /** What has to be told about the file itself, and then the record, if there is one: in one piece. The last line. */
    private @Nullable AuditLine write(AuditTip tip, @Nullable AuditRecord record) throws IOException {
        Opened file = current();
        AuditTail tail = AuditTail.of(file.reader());
        Last known = tip.read();
        List<AuditLine> lines = new ArrayList<>();
        AuditRecord first = news(tail, known);
        Last from = from(tail, known);
        if (first != null) {
            lines.add(AuditLine.after(from.seq(), from.hash(), first));
        }
        if (record != null) {
            Last before = lines.isEmpty() ? from : last(lines.get(0));
            lines.add(AuditLine.after(before.seq(), before.hash(), record));
        }
        if (lines.isEmpty()) {
            return null;
        }
        StringBuilder text = new StringBuilder(tail.isEnded() ? "" : "\n");
        lines.forEach(line -> text.append(line.text()).append('\n'));
        ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.ISO_8859_1));
        while (bytes.hasRemaining()) {
            file.writer().write(bytes);
        }
        file.writer().force(false);
        AuditLine end = lines.get(lines.size() - 1);
        tip.write(last(end));
        return end;
    }

    private static Last last(AuditLine line) {
        return new Last(line.seq(), line.hash());
    }

    /** The line that the next one is chained to. */
    private static Last from(AuditTail tail, @Nullable Last known) {
        AuditLine end = tail.last();
        if (end != null && (known == null || end.seq() > known.seq())) {
            // Whoever wrote it did not come to write the tip.
            return last(end);
        }
        return known == null ? new Last(0, AuditLine.NONE) : known;
    }

    /** What there is to say before anything else is written; null if all is as we left it. */
    private static @Nullable AuditRecord news(AuditTail tail, @Nullable Last known) {
        if (tail.isEmpty()) {
            return known == null
                    ? AuditRecord.now(AuditEvent.LOG_BEGUN)
                    : AuditRecord.now(AuditEvent.LOG_CONTINUED, AuditField.of("lines-before", known.seq()));
        }
        AuditLine end = tail.last();
        if (!tail.torn().isEmpty()) {
            return AuditRecord.now(
                    AuditEvent.LOG_REPAIRED,
                    AuditField.of("found", "a line that was not written to its end"),
                    AuditField.of("torn-bytes", tail.torn().length()),
                    AuditField.of("torn-hash", AuditLine.sha256(tail.torn())));
        }
        if (end == null) {
            return AuditRecord.now(
                    AuditEvent.LOG_REPAIRED, AuditField.of("found", "a last line that is none of an audit log"));
        }
        if (!tail.isEnded()) {
            return AuditRecord.now(AuditEvent.LOG_REPAIRED, AuditField.of("found", "a last line without its end"));
        }
        if (known == null) {
            return AuditRecord.now(
                    AuditEvent.LOG_REPAIRED, AuditField.of("found", "no record of the last line beside it"));
        }
        if (end.seq() < known.seq() || (end.seq() == known.seq() && !end.hash().equals(known.hash()))) {
            return AuditRecord.now(
                    AuditEvent.LOG_REPAIRED,
                    AuditField.of("found", "another last line than the one that was written last"),
                    AuditField.of("last-line", end.seq()),
                    AuditField.of("expected-line", known.seq()));
        }
        return null;
    }

    /** The file that has the name now: the one that had it before may have been renamed. */
    private Opened current() throws IOException {
        Opened open = opened;
        if (open != null) {
            if (open.fileKey().equals(key())) {
                return open;
            }
            opened = null;
            open.close();
        }
        for (int i = 0; i < OPENINGS_MAX; i++) {
            Object before = key();
            if (before == null) {
                create();
                continue;
            }
            Opened found = new Opened(
                    FileChannel.open(path, StandardOpenOption.READ),
                    FileChannel.open(path, StandardOpenOption.APPEND),
                    before);
            if (before.equals(key())) {
                opened = found;
                return found;
            }
            found.close();
        }
        throw new IOException("it is renamed again and again");
    }

    private void create() throws IOException {
        try {
            FileChannel.open(
                            path,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                    .close();
        } catch (FileAlreadyExistsException other) {
            return;
        }
        // The name, too, has to be there after a power cut.
        try (FileChannel directory =
                FileChannel.open(Objects.requireNonNull(path.getParent()), StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    /** What tells the file that has the name from every other; null if none has it. */
    private @Nullable Object key() throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException none) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (TURN) {
            Opened open = opened;
            opened = null;
            if (open != null) {
                open.close();
            }
        }
    }
}

package io.blockseal.audit;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The small file beside an audit log that says which line was the last, {@code AUDIT.LOG.tip}. It stays when the log is
 * rotated: a new log knows by it what it goes on from, and one that lost lines at its end is found out. Its lock is the
 * one that processes that write to one log take turns by. Always of the same length, so that it never stands half
 * written.
 */
final class AuditTip implements Closeable {
    private static final Pattern SHAPE = Pattern.compile("([0-9]{19}) ([0-9a-f]{64})\n");
    private static final int BYTES = 19 + 1 + 64 + 1;

    private final FileChannel channel;

    private AuditTip(FileChannel channel) {
        this.channel = channel;
    }

    /** The number and the hash of a line. */
    record Last(long seq, String hash) {}

    static Path of(Path log) {
        return log.resolveSibling(log.getFileName() + ".tip");
    }

    /** That of the log, made if need be; until it is closed no other process writes. */
    static AuditTip lock(Path log) throws IOException {
        AuditTip tip = new AuditTip(FileChannel.open(
                of(log),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
        boolean locked = false;
        try {
            tip.channel.lock();
            locked = true;
            return tip;
        } finally {
            if (!locked) {
                tip.close();
            }
        }
    }

    /** That of a log that is only looked at; null if it has none. */
    static @Nullable Last peek(Path log) throws IOException {
        try (FileChannel channel = FileChannel.open(of(log), StandardOpenOption.READ)) {
            return new AuditTip(channel).read();
        } catch (NoSuchFileException none) {
            return null;
        }
    }

    /** Which line was the last; null if there was none yet, or it cannot be told. */
    @Nullable
    Last read() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES + 1);
        long at = 0;
        for (int read = 0; read >= 0 && bytes.hasRemaining(); at += read) {
            read = channel.read(bytes, at);
        }
        Matcher shape = SHAPE.matcher(new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1));
        return shape.matches() ? new Last(Long.parseLong(shape.group(1)), shape.group(2)) : null;
    }

    void write(Last last) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(
                String.format("%019d %s\n", last.seq(), last.hash()).getBytes(StandardCharsets.ISO_8859_1));
        for (long at = 0; bytes.hasRemaining(); ) {
            at += channel.write(bytes, at);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

package io.blockseal.audit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * How a file of lines ends.
 *
 * @param isEmpty whether there is nothing at all
 * @param last the last line, if it is a whole one; it may lack its line end
 * @param torn what stands after the last line end and is no line
 * @param isEnded whether a line end is the last that stands there, or nothing
 */
record AuditTail(boolean isEmpty, @Nullable AuditLine last, String torn, boolean isEnded) {
    private static final int BYTES = 16 << 10;
    /** Longer than any line that we write: 20 values of 4096 characters, all of them escaped. */
    private static final int BYTES_MAX = 1 << 20;

    static AuditTail of(FileChannel file) throws IOException {
        long size = file.size();
        if (size == 0) {
            return new AuditTail(true, null, "", true);
        }
        for (int length = BYTES; length <= BYTES_MAX; length *= 4) {
            long begin = Math.max(0, size - length);
            String text = read(file, begin, size);
            int end = text.lastIndexOf('\n');
            // The last line, and what stands after it, are here if the end of the line before is.
            if (begin == 0 || (end > 0 && text.lastIndexOf('\n', end - 1) >= 0)) {
                return of(text, end);
            }
        }
        throw new IOException("what stands at its end is no audit log");
    }

    private static AuditTail of(String text, int end) {
        String rest = text.substring(end + 1);
        AuditLine unended = whole(rest);
        if (unended != null) {
            return new AuditTail(false, unended, "", false);
        }
        AuditLine last = end < 0 ? null : whole(text.substring(text.lastIndexOf('\n', end - 1) + 1, end));
        return new AuditTail(false, last, rest, rest.isEmpty());
    }

    private static @Nullable AuditLine whole(String text) {
        AuditLine line = AuditLine.parse(text);
        return line != null && line.isWhole() ? line : null;
    }

    private static String read(FileChannel file, long begin, long end) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) (end - begin));
        for (long at = begin; bytes.hasRemaining(); ) {
            int read = file.read(bytes, at);
            if (read < 0) {
                throw new IOException("it became shorter while it was read");
            }
            at += read;
        }
        return new String(bytes.array(), StandardCharsets.ISO_8859_1);
    }
}

package io.blockseal.it;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A core file of a 64-bit, little-endian system: which memory of a process is in it, and what that holds. */
final class CoreFile {
    private static final int PROGRAM_HEADERS = 32;
    private static final int PROGRAM_HEADER_BYTES = 54;
    private static final int PROGRAM_HEADER_COUNT = 56;
    private static final int LOAD = 1;
    private static final int STRIDE_BYTES = 1 << 20;

    /** Memory from {@code address} on, as it is in the file. */
    private record Segment(long address, long offset, long bytes) {}

    /** Is told what was found, and at which address it was in the process. */
    interface Finder {
        /** Found that there. */
        void found(String name, long address);
    }

    private final Path file;
    private final List<Segment> segments = new ArrayList<>();

    CoreFile(Path file) throws IOException {
        this.file = file;
        try (RandomAccessFile core = new RandomAccessFile(file.toFile(), "r")) {
            MappedByteBuffer head = core.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, 1 << 20);
            head.order(ByteOrder.LITTLE_ENDIAN);
            long at = head.getLong(PROGRAM_HEADERS);
            for (int i = 0; i < Short.toUnsignedInt(head.getShort(PROGRAM_HEADER_COUNT)); i++) {
                int header = (int) at + i * head.getShort(PROGRAM_HEADER_BYTES);
                if (head.getInt(header) == LOAD && head.getLong(header + 32) > 0) {
                    segments.add(new Segment(
                            head.getLong(header + 16), head.getLong(header + 8), head.getLong(header + 32)));
                }
            }
        }
    }

    /** How much memory it has. */
    long bytes() {
        return segments.stream().mapToLong(Segment::bytes).sum();
    }

    /** Whether any byte of that memory is in it. */
    boolean holds(long from, long to) {
        return segments.stream()
                .anyMatch(segment -> segment.address() < to && segment.address() + segment.bytes() > from);
    }

    void search(Needles needles, Finder finder) throws IOException {
        byte[] stride = new byte[STRIDE_BYTES];
        try (RandomAccessFile core = new RandomAccessFile(file.toFile(), "r")) {
            for (Segment segment : segments) {
                long at = 0;
                while (at < segment.bytes()) {
                    int length = (int) Math.min(stride.length, segment.bytes() - at);
                    core.seek(segment.offset() + at);
                    core.readFully(stride, 0, length);
                    long address = segment.address() + at;
                    needles.find(stride, length, (name, offset) -> finder.found(name, address + offset));
                    // A piece may lie across two strides.
                    at += length < segment.bytes() - at ? length - Needles.PIECE_BYTES + 1 : length;
                }
            }
        }
    }
}

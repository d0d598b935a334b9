package io.blockseal.it;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

/** All memory of a running process that can be read, as root sees it. */
final class ProcessMemory {
    private static final int STRIDE_BYTES = 1 << 20;

    private final long pid;

    ProcessMemory(long pid) {
        this.pid = pid;
    }

    /** What is found, each with the mapping that it was found in. */
    TreeSet<String> search(Needles needles) throws IOException {
        TreeSet<String> found = new TreeSet<>();
        MemoryMap map = MemoryMap.of(pid);
        search(needles, (name, address) -> {
            MemoryMap.Mapping mapping = map.at(address);
            found.add(name + " in " + mapping + ", MiB " + (address - mapping.from()) / STRIDE_BYTES);
        });
        return found;
    }

    /** Tells of all that is found, and at which address. */
    void search(Needles needles, CoreFile.Finder finder) throws IOException {
        try (RandomAccessFile memory = new RandomAccessFile("/proc/" + pid + "/mem", "r")) {
            for (String line : mappings()) {
                String[] words = line.split(" +", 6);
                String[] bounds = words[0].split("-");
                // The system's own pages lie where a signed offset ends, and do not hold what a process wrote.
                if (words[1].startsWith("r") && bounds[1].length() < 16) {
                    long from = Long.parseUnsignedLong(bounds[0], 16);
                    long to = Long.parseUnsignedLong(bounds[1], 16);
                    search(memory, from, to, needles, finder);
                }
            }
        }
    }

    private List<String> mappings() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/maps"));
    }

    private static void search(RandomAccessFile memory, long from, long to, Needles needles, CoreFile.Finder finder)
            throws IOException {
        byte[] stride = new byte[STRIDE_BYTES];
        long at = from;
        while (at < to) {
            int wanted = (int) Math.min(stride.length, to - at);
            memory.seek(at);
            int got;
            try {
                got = memory.read(stride, 0, wanted);
            } catch (IOException gone) {
                // Unmapped since, or a device's.
                return;
            }
            if (got <= 0) {
                return;
            }
            long here = at;
            needles.find(stride, got, (name, offset) -> finder.found(name, here + offset));
            // A piece may lie across two strides.
            at += got < to - at ? Math.max(1, got - Needles.PIECE_BYTES + 1) : got;
        }
    }
}

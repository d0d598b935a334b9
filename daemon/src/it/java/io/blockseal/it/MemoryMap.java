package io.blockseal.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What the memory of a process consists of at a moment, as the kernel tells it. */
final class MemoryMap {
    /**
     * A piece of it.
     *
     * @param flags of the kernel: {@code lo} is locked, {@code dd} is left out of core files
     */
    record Mapping(long from, long to, String name, Set<String> flags) {
        boolean holds(long address) {
            return address >= from && address < to;
        }

        /** As memory for keys has to be: locked, and in no core file. */
        boolean isForKeys() {
            return flags.contains("lo") && flags.contains("dd");
        }

        @Override
        public String toString() {
            return Long.toHexString(from) + "-" + Long.toHexString(to) + " " + name + " " + String.join(",", flags);
        }
    }

    private final List<Mapping> mappings = new ArrayList<>();

    private MemoryMap() {}

    static MemoryMap of(long pid) throws IOException {
        MemoryMap map = new MemoryMap();
        String head = "";
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                head = line;
            } else if (line.startsWith("VmFlags:")) {
                String[] words = head.split(" +", 6);
                String[] bounds = words[0].split("-");
                map.mappings.add(new Mapping(
                        Long.parseUnsignedLong(bounds[0], 16),
                        Long.parseUnsignedLong(bounds[1], 16),
                        words.length > 5 ? words[5] : "anonymous",
                        Set.of(line.substring("VmFlags:".length()).trim().split(" +"))));
            }
        }
        return map;
    }

    List<Mapping> all() {
        return mappings;
    }

    /** The one that holds an address. */
    Mapping at(long address) {
        return mappings.stream()
                .filter(mapping -> mapping.holds(address))
                .findFirst()
                .orElseGet(() -> new Mapping(address, address, "mapped later", Set.of()));
    }
}

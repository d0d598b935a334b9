package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With {@code --lock-memory} nothing of the daemon leaves memory; where that cannot be had, nothing is served. */
class LockedMemoryIT {
    @TempDir
    Path folder;

    @Test
    void locksAllOrServesNothing() throws Exception {
        Server.create(folder, "64M");
        if (mayLock()) {
            try (Server server = Server.start(folder, "--lock-memory")) {
                assertTrue(server.log().contains("all of the daemon stays in memory"), server.log());
                // What is mapped counts as locked, and more is mapped than is in memory.
                long locked = kibibytes(server.pid(), "VmLck");
                assertTrue(locked >= kibibytes(server.pid(), "VmRSS"), "only " + locked + " KiB are locked");
                assertEquals(0, server.stop(), server.log());
            }
        } else {
            Tool.Result refused = Tool.run(
                    Blockseal.launcher(),
                    "serve",
                    folder.resolve("demo.bsl"),
                    "--key-file",
                    Server.key(folder),
                    "--unix",
                    folder.resolve("demo.sock"),
                    "--lock-memory");
            assertEquals(1, refused.exit(), refused.all());
            assertTrue(refused.err().contains("refused to lock all memory of the daemon"), refused.all());
            assertTrue(refused.err().contains("LimitMEMLOCK=infinity"), refused.all());
        }
    }

    /** CAP_IPC_LOCK, number 14, or no limit. */
    private static boolean mayLock() {
        String line = Tool.run("grep", "CapEff:", "/proc/self/status").ok().out();
        long capabilities =
                Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16);
        boolean unlimited =
                Tool.run("sh", "-c", "ulimit -H -l").ok().out().strip().equals("unlimited");
        return (capabilities >> 14 & 1) == 1 || unlimited;
    }

    private static long kibibytes(long pid, String name) throws Exception {
        return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.replaceAll("\\D", ""))
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow();
    }
}

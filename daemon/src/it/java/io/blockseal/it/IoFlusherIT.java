package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is marked as one that writes for the kernel, in each of its threads, where the system allows that, and says
 * in its log how it is. That disks on its own host then do not stand still is tried by {@code scripts/soak same-host}.
 */
class IoFlusherIT {
    private static final Pattern SAID = Pattern.compile("io-flusher=([a-z]+):");
    /** PF_MEMALLOC_NOIO among the flags of a task. */
    private static final long NEVER_WAITS_FOR_WRITES = 0x80000;

    @TempDir
    Path folder;

    @Test
    void saysHowItIsAndIsSoInEveryThread() throws Exception {
        Server.create(folder, "64M");
        try (Server server = Server.start(folder)) {
            Matcher said = SAID.matcher(server.log());
            assertTrue(said.find(), server.log());
            String mark = said.group(1);
            System.out.println("io-flusher=" + mark);
            List<Boolean> marks = marks(server.pid());
            assertTrue(marks.size() > 5, "only " + marks.size() + " threads");
            assertEquals(
                    mark.equals("on") ? marks.size() : 0,
                    marks.stream().filter(marked -> marked).count(),
                    () -> "of " + marks.size() + " threads are marked, and the log says " + mark);
            assertEquals(mayMark(), mark.equals("on"), "it is " + mark);
            assertEquals(0, server.stop(), server.log());
        }
    }

    @Test
    void passesOnWhatItRunsEndsWith() {
        Path flusher = flusher();
        Tool.Result ran = Tool.run(flusher, "sh", "-c", "echo $BLOCKSEAL_IO_FLUSHER; exit 3");
        assertEquals(3, ran.exit(), ran.all());
        assertEquals(mayMark() ? "on\n" : "refused\n", ran.out());
        Tool.Result missing = Tool.run(flusher, folder.resolve("nothing"));
        assertEquals(127, missing.exit());
        assertTrue(missing.err().contains("cannot run " + folder.resolve("nothing")), missing.err());
        assertEquals(2, Tool.run(flusher).exit());
    }

    private static Path flusher() {
        Path flusher = Blockseal.root()
                .resolve("native-shim/target/io-flusher-"
                        + ("aarch64".equals(System.getProperty("os.arch")) ? "aarch64" : "x86_64"));
        assumeTrue(Files.isExecutable(flusher), "this build has no native code");
        return flusher;
    }

    /** Whether a program of ours has CAP_SYS_RESOURCE, number 24. */
    private static boolean mayMark() {
        String line = Tool.run("grep", "CapEff:", "/proc/self/status").ok().out();
        return (Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16) >> 24 & 1) == 1;
    }

    private static List<Boolean> marks(long pid) throws IOException {
        List<Boolean> marks = new ArrayList<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : tasks.toList()) {
                String stat;
                try {
                    stat = Files.readString(task.resolve("stat"));
                } catch (IOException ended) {
                    continue;
                }
                // The name before the bracket may hold blanks; the flags are the ninth field of all.
                String flags = stat.substring(stat.lastIndexOf(')') + 2).split(" ")[6];
                marks.add((Long.parseLong(flags) & NEVER_WAITS_FOR_WRITES) != 0);
            }
        }
        return marks;
    }
}

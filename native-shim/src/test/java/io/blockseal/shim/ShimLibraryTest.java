package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Without the library the daemon must start and say why it runs without; so every way of having none is tried, each in a
 * JVM of its own, because a library is loaded once per process.
 */
class ShimLibraryTest {
    @TempDir
    Path directory;

    /** What the child runs. */
    static final class Probe {
        private Probe() {}

        public static void main(String[] arguments) {
            ShimLibrary library = ShimLibrary.open();
            Shim shim = library.shim();
            System.out.println(shim != null ? "present, xts " + shim.xtsEngine() : library.reason());
        }
    }

    private String outcome(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Djava.io.tmpdir=" + directory);
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertEquals(0, process.waitFor());
        return Files.readString(output, StandardCharsets.UTF_8).strip();
    }

    @Test
    void leavesNoFileBehindWhenItLoads() throws Exception {
        assumeFalse(Boolean.getBoolean("blockseal.test.shim.skipped"), "built with -Dshim.skip=true");
        assertTrue(outcome().startsWith("present"));
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(
                    0,
                    files.filter(file -> file.getFileName().toString().startsWith("blockseal"))
                            .count());
        }
    }

    @Test
    void saysThatItIsSwitchedOff() throws Exception {
        assertEquals("switched off by -Dblockseal.shim=off", outcome("-Dblockseal.shim=off"));
    }

    @Test
    void saysThatThePathIsWrong() throws Exception {
        Path missing = directory.resolve("missing.so");
        String reason = outcome("-Dblockseal.shim.path=" + missing);
        assertTrue(reason.contains("does not load") && reason.contains(missing.toString()), reason);
        Path garbage = Files.writeString(directory.resolve("garbage.so"), "not a library");
        reason = outcome("-Dblockseal.shim.path=" + garbage);
        assertTrue(reason.contains("does not load"), reason);
    }

    @Test
    void saysThatALibraryIsNotOurs() throws Exception {
        String reason = outcome("-Dblockseal.shim.path=" + libc());
        assertTrue(reason.contains("does not load") && reason.contains("bs_"), reason);
    }

    private static Path libc() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (line.matches(".*/libc[.-].*so.*")) {
                return Path.of(line.substring(line.indexOf('/')));
            }
        }
        throw new IOException("no C library in /proc/self/maps");
    }

    @Test
    void saysThatLibcryptoIsMissing() throws Exception {
        assumeFalse(Boolean.getBoolean("blockseal.test.shim.skipped"), "built with -Dshim.skip=true");
        String reason = outcome("-Dblockseal.libcrypto=/nonexistent/libcrypto.so.3");
        assertTrue(reason.contains("cannot load /nonexistent/libcrypto.so.3"), reason);
    }

    @Test
    void leavesXtsToLibcryptoWhenToldSo() throws Exception {
        assumeFalse(Boolean.getBoolean("blockseal.test.shim.skipped"), "built with -Dshim.skip=true");
        assertEquals("present, xts " + Shim.XTS_LIBCRYPTO, outcome("-Dblockseal.xts=libcrypto"));
        assertFalse(outcome().endsWith(" " + Shim.XTS_DISTRUSTED), "the self-test failed on this processor");
    }

    @Test
    void saysThatThereIsNoSuchXts() throws Exception {
        assumeFalse(Boolean.getBoolean("blockseal.test.shim.skipped"), "built with -Dshim.skip=true");
        String reason = outcome("-Dblockseal.xts=fast");
        assertTrue(reason.contains("-Dblockseal.xts=fast is neither auto, libcrypto nor vaes256"), reason);
    }

    @Test
    void describesProtectionForTheLog() {
        assertEquals(
                "keys=locked schedules=locked core-dumps=excluded children=excluded",
                ShimLibrary.describeProtection(15));
        assertEquals(
                "keys=swappable schedules=swappable core-dumps=included children=included",
                ShimLibrary.describeProtection(0));
    }

    @Test
    void everyErrorHasWords() {
        assertTrue(ShimError.describe(ShimError.BAD_TAG).contains("authentication failed"));
        assertEquals("system error 13", ShimError.describe(-13));
    }
}

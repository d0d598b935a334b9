package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.app.console.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The unit for systemd stays as closed as it was, and knows the exit codes. {@code ServiceIT} boots it. */
class ServiceUnitTest {
    private static final Path UNIT = Path.of("..", "config", "systemd", "blockseal.service");
    /** Of 10 for a service that may do everything. */
    private static final double EXPOSURE_MAX = 2.0;

    @TempDir
    private Path directory;

    private String run(String... command) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it does not end: " + List.of(command));
        return Files.readString(out);
    }

    /** A hole in the sandbox would be noticed by nobody else. */
    @Test
    void leavesTheDaemonLittleOfTheHost() throws Exception {
        assumeTrue(
                Stream.of("/usr/bin", "/bin")
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "systemd-analyze"))),
                "systemd-analyze is not installed");
        Matcher version = Pattern.compile("systemd (\\d+)").matcher(run("systemd-analyze", "--version"));
        assumeTrue(
                version.find() && Integer.parseInt(version.group(1)) >= 252,
                "systemd before 252 judges no unit that is not installed");
        Path unit = directory.resolve("blockseal.service");
        Files.copy(UNIT, unit);
        double alone = exposure(unit);
        // And with the drop-in for clients on the same host, which gives one capability.
        Path dropIns = Files.createDirectory(directory.resolve("blockseal.service.d"));
        Files.copy(UNIT.resolveSibling("same-host.conf"), dropIns.resolve("same-host.conf"));
        assertTrue(exposure(unit) > alone, "the drop-in is not looked at");
    }

    private double exposure(Path unit) throws Exception {
        String verdict = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit.toString());
        Matcher level = Pattern.compile("exposure level for blockseal.service: ([0-9.]+)")
                .matcher(verdict);
        assertTrue(level.find(), verdict);
        double exposure = Double.parseDouble(level.group(1));
        assertTrue(exposure < EXPOSURE_MAX, verdict);
        return exposure;
    }

    /** A wrong key or configuration is not tried for ever, and a storage or key source that is away is. */
    @Test
    void triesAgainWhereThatMayHelp() throws IOException {
        String wanted = Stream.of(ExitCode.USAGE, ExitCode.WRONG_KEY, ExitCode.DAMAGED, ExitCode.CONFIG)
                .map(code -> Integer.toString(code.number()))
                .collect(Collectors.joining(" "));
        assertEquals(List.of(wanted), values("RestartPreventExitStatus"));
        assertEquals(List.of("on-failure"), values("Restart"));
    }

    /** The launcher's {@code exec} makes Java the main process, and Java says when it serves. */
    @Test
    void countsAsStartedOnlyWhenClientsCanConnect() throws IOException {
        assertEquals(List.of("notify"), values("Type"));
        assertEquals(List.of("main"), values("NotifyAccess"));
    }

    private static List<String> values(String name) throws IOException {
        return Files.readAllLines(UNIT).stream()
                .filter(line -> line.startsWith(name + "="))
                .map(line -> line.substring(name.length() + 1))
                .toList();
    }
}

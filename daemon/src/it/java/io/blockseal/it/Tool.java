package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs programs that others wrote, bounded in time, with what they print in files so that no pipe can fill up. */
final class Tool {
    private static final long LIMIT_SECONDS = 300;

    private Tool() {}

    /** What a program left behind. */
    record Result(List<String> command, int exit, String out, String err) {
        /** Insists on success; the message has what the program said. */
        Result ok() {
            assertEquals(0, exit, () -> String.join(" ", command) + "\n" + out + err);
            return this;
        }

        /** Everything printed. */
        String all() {
            return out + err;
        }
    }

    /** Skips the test, saying why, if a program is not installed; scripts/test installs all of them. */
    static void need(String... programs) {
        for (String program : programs) {
            assumeTrue(find(program), program + " is not installed");
        }
    }

    private static boolean find(String program) {
        for (String folder : (System.getenv("PATH") + ":/usr/sbin:/sbin").split(":")) {
            if (Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    /** Skips the test unless it runs as root. */
    static void needRoot(String why) {
        assumeTrue("root".equals(System.getProperty("user.name")), why + " needs root");
    }

    static Result run(Object... command) {
        return run(LIMIT_SECONDS, command);
    }

    static Result run(long limitSeconds, Object... command) {
        List<String> words = new ArrayList<>();
        for (Object word : command) {
            words.add(word.toString());
        }
        try {
            Path out = Files.createTempFile("tool", ".out");
            Path err = Files.createTempFile("tool", ".err");
            try {
                Process process = builder(words, out, err).start();
                if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                    throw new AssertionError(
                            words + " did not end within " + limitSeconds + " s\n" + text(out) + text(err));
                }
                return new Result(words, process.exitValue(), text(out), text(err));
            } finally {
                Files.delete(out);
                Files.delete(err);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static ProcessBuilder builder(List<String> words, Path out, Path err) {
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().merge("PATH", ":/usr/sbin:/sbin", String::concat);
        return builder;
    }

    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }
}

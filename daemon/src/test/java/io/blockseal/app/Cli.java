package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.ExitCode;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Runs commands within this JVM, in a directory of the test's own, and keeps all that they print. */
public final class Cli {
    /** How a command ended and what it said. */
    public record Result(int exitCode, String out, String err) {
        public String all() {
            return out + err;
        }
    }

    private final Path directory;
    private final StringBuilder everythingPrinted = new StringBuilder();

    public Cli(Path directory) {
        this.directory = directory;
    }

    /** Words that begin with {@code ./} are files in the test's directory. */
    public Result run(String... words) {
        List<String> arguments = new ArrayList<>();
        for (String word : words) {
            arguments.add(word.startsWith("./") ? path(word.substring(2)).toString() : word);
        }
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        ByteArrayOutputStream logged = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
        int exitCode;
        try {
            exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), arguments.toArray(String[]::new));
        } finally {
            System.setErr(before);
        }
        Result result = new Result(exitCode, out.toString(), err + logged.toString(StandardCharsets.UTF_8));
        everythingPrinted.append(result.all());
        return result;
    }

    /** Runs a command that must succeed. */
    public Result ok(String... words) {
        Result result = run(words);
        assertEquals(0, result.exitCode(), result.all());
        return result;
    }

    /** Runs a command that must end with that exit code, and say {@code what}. */
    Result refused(ExitCode code, String what, String... words) {
        Result result = run(words);
        assertEquals(code.number(), result.exitCode(), result.all());
        assertTrue(result.all().contains(what), result.all());
        return result;
    }

    /** Runs a command by the daemon of {@link #configuration}. */
    public Result served(String... words) {
        return run(Stream.concat(Stream.of(words), Stream.of("--control", "./c.sock"))
                .toArray(String[]::new));
    }

    /**
     * Of a daemon with its sockets {@code n.sock} and {@code c.sock} in the directory.
     *
     * @param volumes each as the file has it, between braces; {@code ./} as in {@link #run}
     */
    public DaemonConfig configuration(String... volumes) throws Exception {
        StringBuilder text = new StringBuilder("""
                unix: ./n.sock
                control: ./c.sock
                state-dir: ./state
                loops: 1
                volumes:
                """);
        for (String volume : volumes) {
            text.append("  - {").append(volume).append("}\n");
        }
        Path yaml = path("c.yaml");
        Files.writeString(yaml, text.toString().replace(" ./", " " + directory + "/"));
        return ConfigReader.read(yaml);
    }

    public Path path(String name) {
        return directory.resolve(name);
    }

    /** All that any command printed or logged. */
    String everythingPrinted() {
        return everythingPrinted.toString();
    }
}

package io.blockseal.keysource.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.json.KeyDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program as a key source: a shell script with openssl, which really wraps. */
class ExecKeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    @Override
    protected Premises open() throws Exception {
        return new ProgramPremises(folder);
    }

    private KeySourceException failure(String script, String options) throws Exception {
        return failure(program(script), options);
    }

    private Path program(String script) throws IOException {
        Path program = folder.resolve("p");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return program;
    }

    private KeySourceException failure(Path program, String options) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("exec:" + program + options);
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = KeySourceRegistry.open(spec, context)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(key, binding));
        }
    }

    @Test
    void seesNothingOfOurEnvironmentAndStartsAtTheRoot() throws Exception {
        String words = failure(
                        "printf '{\"error\":{\"kind\":\"refused\",\"message\":\"%s\"}}' \"$(pwd; env | grep -v"
                                + " -E '^(PWD|SHLVL|_|OLDPWD|PATH)=' | tr '\\n' ' ')\"",
                        "")
                .getMessage();
        assertTrue(words.endsWith("says: /"), words);
    }

    @Test
    void saysHowAProgramThatFailsHasFailed() throws Exception {
        KeySourceException failed = failure("echo 'no \033[31msuch thing' >&2; exit 7", "");
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("exit code 7"), failed::getMessage);
        assertTrue(failed.getMessage().contains("such thing"), failed::getMessage);
        assertTrue(failed.getMessage().chars().noneMatch(Character::isISOControl), failed::getMessage);
    }

    @Test
    void doesNotDrownInWhatItSays() throws Exception {
        KeySourceException failed = failure("yes hello | head -c 10000000", "");
        assertTrue(failed.getMessage().contains("more than 65536 bytes"), failed::getMessage);
    }

    @Test
    void doesNotWaitForWhatItLeftRunning() throws Exception {
        KeySourceException failed =
                failure("printf '{\"error\":{\"message\":\"no\"}}'; sleep 60 &", "?timeout-seconds=30");
        assertTrue(failed.getMessage().endsWith("says: no"), failed::getMessage);
    }

    /** Whether it is a no, or only for now, is the program's to say, and the kind of the answer. */
    @Test
    void putsNoWordIntoTheProgramsMouth() throws Exception {
        KeySourceException failed =
                failure("printf '{\"error\":{\"kind\":\"throttled\",\"message\":\"in a minute\"}}'", "");
        assertEquals(Kind.THROTTLED, failed.kind());
        assertTrue(failed.getMessage().endsWith("/p says: in a minute"), failed::getMessage);
        failed = failure("printf '{\"error\":{\"kind\":\"throttled\"}}'", "");
        assertTrue(failed.getMessage().endsWith("/p says: throttled"), failed::getMessage);
    }

    @Test
    void refusesAProgramThatOthersCouldChange() throws Exception {
        Path program = Files.writeString(folder.resolve("q"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxrwxr-x"));
        KeySourceException failed = failure(program, "");
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("could be changed by others"), failed::getMessage);
        // What keeps others from replacing a file in their common folder keeps nobody from writing to a file.
        Files.setAttribute(program, "unix:mode", 01777);
        assertTrue(failure(program, "").getMessage().contains("mode 1777"));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        Files.setAttribute(folder, "unix:mode", 01777);
        assertFalse(failure(program, "").getMessage().contains("could be changed by others"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertTrue(failure(program, "").getMessage().contains("could be changed by others"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void saysThatItIsNotThere() throws Exception {
        KeySourceException failed = failure(folder.resolve("missing"), "");
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("missing"), failed::getMessage);
    }

    @Test
    void takesNoBlobThatAKeySlotHasNoRoomFor() throws Exception {
        KeySourceException failed =
                failure("printf '{\"blob\":\"%s\"}' $(head -c 700 /dev/zero | /usr/bin/base64 -w 0)", "");
        assertTrue(failed.getMessage().contains("700 bytes"), failed::getMessage);
        assertTrue(failure("printf '{\"blob\":\"\"}'", "").getMessage().contains("empty"));
        assertTrue(failure("printf '{\"blob\":\"*\"}'", "").getMessage().contains("not Base64"));
    }

    /** What a program says of a question that it cannot read is often the question, and a log keeps it for years. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "q=$(cat); echo \"cannot parse question: $q\" >&2; exit 1",
                "q=$(cat); printf '{\"error\":{\"message\":\"cannot parse %s\"}}' \"$(echo $q | tr -d '\"')\"",
                "q=$(cat); printf '{\"error\":{\"kind\":\"%s\"}}' \"$(echo $q | tr -d '\"')\"",
                "q=$(cat); echo 'cannot read it'; echo \"$q\" >&2",
            })
    void showsNoKeyThatAProgramShows(String script) throws Exception {
        Path program = program(script);
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = KeySourceRegistry.open(KeySourceSpec.parse("exec:" + program), context)) {
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.wrap(key, binding));
            String text = Base64.getEncoder().encodeToString(KeyDocument.raw(engine, key));
            for (int i = 0; i + 12 <= text.length(); i++) {
                String part = text.substring(i, i + 12);
                assertFalse(failed.getMessage().contains(part), failed::getMessage);
            }
        }
    }

    @Test
    void saysWhereTheKeyStoodAndWhatElseTheProgramSaid() throws Exception {
        String words =
                failure("q=$(cat); echo \"cannot parse: $q\" >&2; exit 1", "").getMessage();
        assertTrue(words.contains("cannot parse: {\"protocol\":1,\"operation\":\"wrap\""), words);
        assertTrue(words.endsWith("\"key\":\"[…]\"}"), words);
    }

    /** A waiting daemon asks again and again: one process left behind by each question fills the machine. */
    @Test
    void leavesNothingRunningWhenTheTimeIsOver() throws Exception {
        Path pids = folder.resolve("pids");
        // The first loses its parent at once. On a busy machine a second may be too short to start anything.
        String script = "(sleep 300 & echo $! >" + pids + "); sleep 300 & echo $! >>" + pids + "; echo >>" + pids
                + ".whole; sleep 300";
        for (int seconds = 1; !Files.exists(folder.resolve("pids.whole")); seconds *= 2) {
            KeySourceException failed = failure(script, "?timeout-seconds=" + seconds);
            assertTrue(failed.getMessage().contains("has not answered within"), failed::getMessage);
        }
        assertNoneRuns(pids, 2);
    }

    @Test
    void leavesNothingRunningWhenItHasFailed() throws Exception {
        Path pids = folder.resolve("pids");
        failure("(sleep 300 & echo $! >" + pids + "); exit 1", "");
        assertNoneRuns(pids, 1);
    }

    @Test
    void leavesNothingRunningWhenNobodyWaitsAnyMore() throws Exception {
        Path pids = folder.resolve("pids");
        Path ready = folder.resolve("ready");
        assertEquals(0, new ProcessBuilder("mkfifo", ready.toString()).start().waitFor());
        Path program = program("(sleep 300 & echo $! >" + pids + "); echo >" + ready + "; sleep 300");
        FutureTask<KeySourceException> asked = new FutureTask<>(() -> failure(program, ""));
        Thread asking = new Thread(asked);
        asking.start();
        Files.readAllBytes(ready);
        asking.interrupt();
        assertTrue(asked.get().getMessage().contains("interrupted"));
        assertNoneRuns(pids, 1);
    }

    private static void assertNoneRuns(Path pids, int count) throws IOException {
        List<String> started = Files.readAllLines(pids);
        assertEquals(count, started.size());
        for (String pid : started) {
            String state;
            try {
                String stat = Files.readString(Path.of("/proc", pid, "stat"));
                state = stat.substring(stat.lastIndexOf(')') + 2).substring(0, 1);
            } catch (IOException gone) {
                state = "X";
            }
            // A dead one stays as a zombie until the first process of the machine has heard of it.
            assertTrue("ZX".contains(state), pid + " is in state " + state);
        }
    }

    @Test
    void saysThatItMayNotBeExecutedOrItsInterpreterIsMissing() throws Exception {
        Path program = program("exit 0");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rw-------"));
        KeySourceException failed = failure(program, "");
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("chmod +x"), failed::getMessage);
        Files.writeString(program, "#!/no/such/shell\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        failed = failure(program, "");
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("cannot be run"), failed::getMessage);
    }
}

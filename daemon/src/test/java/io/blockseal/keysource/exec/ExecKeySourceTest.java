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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program as a key source: a shell script with openssl, which really wraps. */
class ExecKeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    @Override
    protected Premises open() throws Exception {
        return new ProgramPremises(folder);
    }

    private KeySourceException failure(String script, String options) throws Exception {
        Path program = folder.resolve("p");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return failure(program, options);
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
}

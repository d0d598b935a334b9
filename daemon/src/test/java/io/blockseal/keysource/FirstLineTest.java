package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A passphrase that is taken with one byte too many or too few opens nothing. */
class FirstLineTest {
    @TempDir
    private Path folder;

    private byte[] read(String content) throws IOException, KeySourceException {
        return FirstLine.ofFile(Files.writeString(folder.resolve("secret"), content))
                .read();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void takesTheLineWithoutItsEnd() throws IOException, KeySourceException {
        assertArrayEquals(bytes("correct horse"), read("correct horse"));
        assertArrayEquals(bytes("correct horse"), read("correct horse\n"));
        assertArrayEquals(bytes("correct horse"), read("correct horse\nsecond line\n"));
        assertArrayEquals(bytes(" grün \r"), read(" grün \r\n"));
        assertEquals(SecretInput.LENGTH_MAX, read("x".repeat(SecretInput.LENGTH_MAX)).length);
    }

    @Test
    void refusesNothingAndTooMuch() {
        assertThrows(KeySourceException.class, () -> read(""));
        assertThrows(KeySourceException.class, () -> read("\npassphrase"));
        assertThrows(KeySourceException.class, () -> read("x".repeat(SecretInput.LENGTH_MAX + 1)));
    }

    @Test
    void waitsForTheLineOfAPipeThatDeliversInPieces() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        Process writer = new ProcessBuilder(
                        "python3",
                        "-c",
                        "import os,sys; f=os.open(sys.argv[1],os.O_WRONLY)\n"
                                + "for part in (b'correct', b' horse', b'\\nmore'): os.write(f,part)\n"
                                + "sys.stdin.read()",
                        pipe.toString())
                .start();
        try {
            assertArrayEquals(bytes("correct horse"), FirstLine.ofFile(pipe).read());
        } finally {
            writer.getOutputStream().close();
            writer.waitFor();
        }
    }

    /** Other programs take such a file as it is, and so do we; but somebody has to be told. */
    @ParameterizedTest
    @CsvSource({"rw-r--r--, 644", "rw-rw----, 660", "rw-----w-, 602", "rwxrwxrwx, 777"})
    void warnsOfASecretThatEverybodyMayRead(String mode, String octal) throws Exception {
        Path file = secret(mode);
        assertEquals(
                List.of("passphrase file " + file + " may be used by others (mode " + octal + "): chmod 600 " + file
                        + ", and if others may have read it, use a new one"),
                warningsOf(FirstLine.ofSecretFile(file, "passphrase file")));
    }

    /** A group that may read was chosen by somebody, and systemd shows its credentials so. */
    @ParameterizedTest
    @ValueSource(strings = {"rw-------", "r--------", "r--r-----", "rw-r-----"})
    void warnsOfNoOther(String mode) throws Exception {
        assertEquals(List.of(), warningsOf(FirstLine.ofSecretFile(secret(mode), "passphrase file")));
    }

    @Test
    void leavesFilesThatAreJudgedElsewhereAlone() throws Exception {
        assertEquals(List.of(), warningsOf(FirstLine.ofFile(secret("rw-r--r--"))));
    }

    private Path secret(String mode) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "correct horse\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    /** What is warned of while it is read, which must go well. */
    private static List<String> warningsOf(FirstLine secret) throws KeySourceException {
        Logger log = (Logger) LoggerFactory.getLogger(PrivateFile.class);
        ListAppender<ILoggingEvent> told = new ListAppender<>();
        told.start();
        log.addAppender(told);
        log.setLevel(Level.WARN);
        log.setAdditive(false);
        try {
            assertArrayEquals(bytes("correct horse"), secret.read());
        } finally {
            log.setAdditive(true);
            log.setLevel(null);
            log.detachAppender(told);
        }
        return told.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void saysThatAFileIsMissing() {
        KeySourceException e = assertThrows(KeySourceException.class, () -> FirstLine.ofFile(folder.resolve("missing"))
                .read());
        assertEquals(KeySourceException.Kind.UNREACHABLE, e.kind());
    }
}

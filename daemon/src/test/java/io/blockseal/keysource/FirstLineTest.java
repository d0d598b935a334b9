package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    @Test
    void saysThatAFileIsMissing() {
        KeySourceException e = assertThrows(KeySourceException.class, () -> FirstLine.ofFile(folder.resolve("missing"))
                .read());
        assertEquals(KeySourceException.Kind.UNREACHABLE, e.kind());
    }
}

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
    void saysThatAFileIsMissing() {
        KeySourceException e = assertThrows(KeySourceException.class, () -> FirstLine.ofFile(folder.resolve("missing"))
                .read());
        assertEquals(KeySourceException.Kind.UNREACHABLE, e.kind());
    }
}

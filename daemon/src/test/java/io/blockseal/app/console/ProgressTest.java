package io.blockseal.app.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final long SECOND = 1_000_000_000L;

    private final StringWriter text = new StringWriter();
    private long now;

    private Progress progress(boolean shown) {
        return new Progress(new PrintWriter(text), shown, "Checking", () -> now);
    }

    @Test
    void tellsHowFarAndHowLongOnATerminal() {
        try (Progress progress = progress(true)) {
            now = 30 * SECOND;
            progress.count(25, 100);
        }
        assertEquals("\rChecking: 25%, 1 min 30 s left\033[K\r\033[K", text.toString());
    }

    @Test
    void staysQuietInAPipe() {
        try (Progress progress = progress(false)) {
            now = 30 * SECOND;
            progress.count(25, 100);
        }
        assertTrue(text.toString().isEmpty());
    }

    @Test
    void staysQuietAboutShortWorkAndDoesNotChatter() {
        try (Progress progress = progress(true)) {
            progress.count(1, 100);
            now = SECOND;
            for (int i = 0; i < 50; i++) {
                progress.count(50, 100);
            }
        }
        assertEquals(1, text.toString().split("50%", -1).length - 1);
    }
}

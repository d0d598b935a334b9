package io.blockseal.app.verb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.CommandException;
import io.blockseal.control.Arguments;
import io.blockseal.crypto.java.JavaCryptoEngine;
import org.junit.jupiter.api.Test;

/** Who may give orders to a volume may not thereby run programs as the daemon. */
class SentKeysTest {
    private static SentKeys sent(boolean mayRunPrograms) {
        Arguments key = new Arguments().text("kind", "source").text("uri", "exec:/bin/sh?arg=-c&arg=id");
        return new SentKeys(new Arguments().group(SentKeys.KEY, key), new JavaCryptoEngine(), mayRunPrograms);
    }

    @Test
    void aProgramIsRunOnlyForThoseWhoMayRunItAnyway() throws Exception {
        try (SentKeys keys = sent(true)) {
            assertEquals("exec", keys.opening().kind());
        }
        try (SentKeys keys = sent(false)) {
            String words = assertThrows(CommandException.class, keys::opening).getMessage();
            assertTrue(words.contains("only root and the daemon's own user"), words);
        }
    }
}

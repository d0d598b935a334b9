package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.config.KeyConfig;
import io.blockseal.crypto.java.JavaCryptoEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An operator writes where the key is, and gets that source or a sentence that helps. */
class KeySourceRegistryTest {
    private final KeySourceContext context = context(Path.of("/run/credentials/x"));

    private static KeySourceContext context(@Nullable Path credentials) {
        return new KeySourceContext(new JavaCryptoEngine(), credentials, name -> null, () -> new byte[] {1}, use -> {});
    }

    @Test
    void findsEverySourceByItsScheme() throws KeySourceException {
        Map<String, String> kinds = Map.of(
                "file:/etc/key",
                "file",
                "fd:3",
                "file",
                "credential:db",
                "file",
                "passphrase:",
                "passphrase",
                "recovery:",
                "recovery");
        for (Map.Entry<String, String> entry : kinds.entrySet()) {
            KeySourceSpec spec = KeySourceSpec.parse(entry.getKey());
            assertEquals(entry.getKey(), spec.toString());
            try (KeySource source = KeySourceRegistry.open(spec, context)) {
                assertEquals(entry.getValue(), source.kind());
                assertEquals(entry.getKey(), source.reference());
            }
        }
    }

    /** What has an option of its own would be refused as a {@code --key-source}, and is not offered. */
    @Test
    void offersOnlyWhatCanBeWrittenThere() throws KeySourceException {
        KeySourceSpec spec = KeySourceSpec.parse("http:x");
        String message = assertThrows(KeySourceException.class, () -> KeySourceRegistry.open(spec, context))
                .getMessage();
        List<String> offered =
                List.of(message.substring(message.indexOf("there are ") + 10).split(", "));
        assertTrue(offered.containsAll(List.of("exec", "vault-transit", "tang", "all-of")), message);
        for (String each : offered) {
            assertEquals(each + ":x", new KeyConfig(KeyConfig.Kind.KEY_SOURCE, each + ":x").place());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "file",
                "/etc/key",
                ":x",
                "azure:prod",
                "exec:",
                "exec:relative",
                "exec:/x?nonsense=1",
                "exec:/x?arg",
                "exec:/x?timeout-seconds=0",
                "exec:/x?timeout-seconds=5&timeout-seconds=6",
                "exec:/x?arg=%zz",
                "file:",
                "fd:",
                "fd:x",
                "fd:-1",
                "credential:",
                "credential:../db",
                "credential:a/b",
                "credential:..",
                "file:a\0b"
            })
    void refusesWhatCannotBeMeant(String text) {
        KeySourceException e = assertThrows(
                KeySourceException.class, () -> KeySourceRegistry.open(KeySourceSpec.parse(text), context));
        assertEquals(KeySourceException.Kind.MISCONFIGURED, e.kind());
    }

    @Test
    void saysHowSystemdPassesCredentials() throws KeySourceException {
        KeySourceContext without = context(null);
        KeySourceSpec spec = KeySourceSpec.parse("credential:db");
        String message = assertThrows(KeySourceException.class, () -> KeySourceRegistry.open(spec, without))
                .getMessage();
        assertTrue(message.contains("LoadCredential=db:PATH"), message);
    }
}

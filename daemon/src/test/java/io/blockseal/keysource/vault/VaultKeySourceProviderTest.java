package io.blockseal.keysource.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An operator's slip in the URI is refused before anybody is asked. */
class VaultKeySourceProviderTest {
    private final KeySourceContext context =
            new KeySourceContext(new JavaCryptoEngine(), null, name -> null, () -> new byte[0], use -> {});

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://localhost:8200/transit?token-file=/t",
                "https://localhost:8200/v1/transit/k?token-file=/t",
                "https://localhost:8200/transit/k",
                "https://localhost:8200/transit/k?auth=password",
                "https://localhost:8200/transit/k?auth=approle&role-id=r",
                "https://localhost:8200/transit/k?auth=approle&secret-id-file=/f",
                "https://localhost:8200/transit/k?auth=kubernetes",
                "https://localhost:8200/transit/k?auth=cert",
                "https://localhost:8200/transit/k?token-file=/t&role=r",
                "https://localhost:8200/transit/k?token-file=/t&namespace=a%0ab",
                "https://localhost:8200/transit/../k?token-file=/t",
                "https://localhost:8200/transit/k%2fl?token-file=/t",
                "https://me@localhost:8200/transit/k?token-file=/t",
                "http://vault.example:8200/transit/k?token-file=/t",
                "http://127.0.0.1.example:8200/transit/k?token-file=/t",
                "ftp://localhost:8200/transit/k?token-file=/t",
                "localhost:8200/transit/k?token-file=/t"
            })
    void refusesPlacesThatCannotBeMeant(String place) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("vault-transit:" + place);
        KeySourceException refused =
                assertThrows(KeySourceException.class, () -> new VaultKeySourceProvider().open(spec, context));
        assertEquals(Kind.MISCONFIGURED, refused.kind());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost:8200/transit/k?token-file=/t",
                "http://127.0.0.1:8200/transit/k?token-file=/t",
                "http://[::1]:8200/transit/k?token-file=/t",
                "https://vault.example/team/eu/transit/prod-1.a?token-file=/t&namespace=a/b/"
            })
    void takesPlacesThatCan(String place) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("vault-transit:" + place);
        try (KeySource source = new VaultKeySourceProvider().open(spec, context)) {
            assertEquals("vault-transit:" + place.replaceFirst("\\?.*", ""), source.reference());
        }
    }
}

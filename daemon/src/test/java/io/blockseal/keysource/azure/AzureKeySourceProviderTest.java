package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a place may say. */
class AzureKeySourceProviderTest {
    private static KeySource open(String place) throws KeySourceException {
        return KeySourceRegistry.open(
                KeySourceSpec.parse(place),
                new KeySourceContext(new JavaCryptoEngine(), null, name -> null, () -> new byte[0], use -> {}));
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost/keys/one, is not https",
        "https://localhost/secrets/one, is not https",
        "https://localhost/keys/one/, leave the version out",
        "https://user@localhost/keys/one, is not https",
        "https://LOCALHOST/keys/one, lower case",
        "https://localhost:65536/keys/one, no host and port",
        "https://a-/keys/one, no host and port",
        "https://localhost/keys/one/0123456789abcdef, leave the version out",
        "https://localhost/keys/one?api-version=7%2F4, api-version",
        "https://localhost/keys/one?verify-challenge=no, none of true",
        "https://localhost/keys/one?identity=managed&tenant=x, has no option 'tenant'",
        "https://localhost/keys/one?client-secret=x, has no option 'client-secret'"
    })
    void saysWhatIsWrongWithIt(String place, String words) {
        KeySourceException wrong = assertThrows(KeySourceException.class, () -> open("azure-keyvault:" + place));
        assertEquals(Kind.MISCONFIGURED, wrong.kind());
        assertTrue(wrong.getMessage().contains(words), wrong::getMessage);
    }

    /** A key slot must be found again whatever the options are. */
    @Test
    void isKnownByTheAddressAlone() throws Exception {
        try (KeySource source = open("azure-keyvault:https://v.vault.azure.net:8443/keys/Kek-1?identity=managed")) {
            assertEquals("azure-keyvault:https://v.vault.azure.net:8443/keys/Kek-1", source.reference());
            assertEquals("azure", source.kind());
        }
    }

    /** As a newcomer copies them. */
    @Test
    void understandsEveryPlaceInTheDocs() throws Exception {
        String docs = Files.readString(Path.of("..", "docs", "keysources.md"));
        Matcher place = Pattern.compile("azure-keyvault:https://[^\\s'\"`]+").matcher(docs);
        int found = 0;
        while (place.find()) {
            open(place.group()).close();
            found++;
        }
        assertFalse(found < 3, "only " + found + " places");
    }
}

package io.blockseal.keysource.tang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An operator's slip in the URI is refused before anybody is asked. */
class TangKeySourceProviderTest {
    private static final String PIN = "DzvPHOeJfXxD7G1GhQh_g8qFT6DCErKfxy7wOPhnlZ0";

    private final KeySourceContext context =
            new KeySourceContext(new JavaCryptoEngine(), null, name -> null, () -> new byte[0], use -> {});

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://tang.example",
                "http://tang.example?thumbprint=" + PIN + "&trust=first-use",
                "http://tang.example?trust=always",
                "http://tang.example?thumbprint=abc",
                "http://tang.example?thumbprint=../adv" + PIN,
                "http://tang.example/?trust=first-use",
                "http://tang.example/a/../b?trust=first-use",
                "http://tang.example/%2e?trust=first-use",
                "http://me@tang.example?trust=first-use",
                "http://tang.example#x?trust=first-use",
                "ftp://tang.example?trust=first-use",
                "tang.example:80?trust=first-use",
                "http://tang.example?trust=first-use&token-file=/t"
            })
    void refusesPlacesThatCannotBeMeant(String place) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("tang:" + place);
        KeySourceException refused =
                assertThrows(KeySourceException.class, () -> new TangKeySourceProvider().open(spec, context));
        assertEquals(Kind.MISCONFIGURED, refused.kind());
    }

    /** What is missing is there, by another name. */
    @Test
    void namesAnOptionWithASlipOfThePen() throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("tang:http://tang.example?thumbprnt=" + PIN);
        KeySourceException refused =
                assertThrows(KeySourceException.class, () -> new TangKeySourceProvider().open(spec, context));
        String words = String.valueOf(refused.getMessage());
        assertTrue(words.contains("has no option 'thumbprnt'; it has ") && words.contains(" thumbprint"), words);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://tang.example?thumbprint=" + PIN,
                "https://tang.example:8443/eu/tang?trust=first-use&timeout-seconds=3",
                "http://[::1]:9090?trust=first-use"
            })
    void takesPlacesThatCan(String place) throws Exception {
        KeySourceSpec spec = KeySourceSpec.parse("tang:" + place);
        try (KeySource source = new TangKeySourceProvider().open(spec, context)) {
            assertEquals("tang:" + place.replaceFirst("\\?.*", ""), source.reference());
        }
    }

    /** As a newcomer copies them. */
    @Test
    void understandsEveryPlaceInTheDocs() throws Exception {
        String docs = Files.readString(Path.of("..", "docs", "keysources.md"));
        Matcher place = Pattern.compile("tang:https?://[^\\s'\"`]+").matcher(docs);
        int found = 0;
        while (place.find()) {
            new TangKeySourceProvider()
                    .open(KeySourceSpec.parse(place.group()), context)
                    .close();
            found++;
        }
        assertEquals(2, found);
    }
}

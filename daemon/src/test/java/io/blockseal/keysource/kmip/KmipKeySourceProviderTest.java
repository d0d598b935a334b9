package io.blockseal.keysource.kmip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How an operator names a key on a server, and what is said of a name that is none. */
class KmipKeySourceProviderTest {
    private static final String CERTIFICATE = "?client-cert-file=/c&client-key-file=/k";
    private static final String NO_ADDRESS = "is not kmip:HOST:PORT/IDENTIFIER or kmip:HOST:PORT/name/NAME";

    private static KeySource open(String place) throws KeySourceException {
        return KeySourceRegistry.open(
                KeySourceSpec.parse(place),
                new KeySourceContext(new JavaCryptoEngine(), null, name -> null, () -> new byte[0], use -> {}));
    }

    private static String refusal(String place) {
        KeySourceException wrong = assertThrows(KeySourceException.class, () -> open("kmip:" + place));
        assertEquals(Kind.MISCONFIGURED, wrong.kind());
        assertTrue(wrong.getMessage().startsWith("key source kmip:"), wrong::getMessage);
        return wrong.getMessage();
    }

    @ParameterizedTest
    @CsvSource({
        "/",
        "/id",
        "kms",
        "kms:5696",
        "kms:5696/",
        "kms:5696/name/",
        ":5696/id",
        "kms:0/id",
        "kms:65536/id",
        "kms:99999999999/id",
        "kms:-1/id",
        "kms:port/id",
        "user@kms:5696/id",
        "user:secret@kms:5696/id",
        "kms:5696/id#part",
        "kms_one:5696/id",
        "[::1/id",
        "::1:5696/id",
        "k ms:5696/id",
        "kms:5696/i d",
        "kms:5696/two%0Alines",
        "kms:5696/name/nul%00",
        "kms:5696/%zz",
        "//kms:5696/id",
        "https://kms:5696/id",
        "kms:5696//id"
    })
    void saysThatItIsNoAddress(String address) {
        String words = refusal(address + CERTIFICATE);
        assertTrue(words.endsWith(NO_ADDRESS), words);
    }

    @Test
    void saysThatThereIsNoAddress() {
        assertTrue(refusal("").endsWith("has no address"));
        assertTrue(refusal(CERTIFICATE).endsWith("has no address"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        ''                                                    | needs client-cert-file and client-key-file
        ?client-cert-file=/c                                  | needs client-cert-file and client-key-file
        ?client-key-file=/k                                   | needs client-cert-file and client-key-file
        ?client-cert-file=/c&client-key-file=/k&password-file=/p | has password-file without user-name
        ?client-cert-file=/c&client-key-file=/k&cipher=xts    | has cipher=xts, which is none of gcm, ctr, cbc
        ?client-cert-file=/c&client-key-file=/k&cipher=GCM    | has cipher=GCM, which is none of
        ?client-cert-file=/c&client-key-file=/k&timeout-seconds=0   | no whole number from 1 to 300
        ?client-cert-file=/c&client-key-file=/k&timeout-seconds=301 | no whole number from 1 to 300
        ?client-cert-file=/c&client-key-file=/k&timeout-seconds=-1  | no whole number from 1 to 300
        ?client-cert-file=/c&client-key-file=/k&timeout-seconds=1s  | no whole number from 1 to 300
        ?client-cert-file=/c&client-key-file=/k&client-key-file=/l  | has the option 'client-key-file' 2 times
        ?client-cert-file=/c&client-key-file=/k&password=geheim     | has no option 'password'
        ?client-cert-file=/c&client-key-file=/k&ca-file=%zz         | a malformed percent sign
        ?client-cert-file=/c&client-key-file=/k&ca-file=%00         | is not a path
        ?client-cert-file=/c&client-key-file=/k&=x                  | where an option NAME=VALUE belongs
        ?client-cert-file=/c&client-key-file=/k&verbose             | where an option NAME=VALUE belongs
        """)
    void saysWhatIsWrongWithAnOption(String options, String words) {
        String message = refusal("kms:5696/id" + options);
        assertTrue(message.contains(words), message);
        assertTrue(!message.contains("geheim"), message);
    }

    @Test
    void refusesWhatAKeySlotHasNoRoomFor() {
        // 256 bytes are what a slot has for "kmip:" and the address.
        String fits = "kms:5696/" + "x".repeat(256 - "kmip:kms:5696/".length());
        assertTrue(refusal(fits + "x" + CERTIFICATE).contains("longer than the 256 bytes"));
        assertTrue(refusal(fits.substring(1) + "\u00e4" + CERTIFICATE).contains("longer than the 256 bytes"));
        assertTrue(refusal(fits + "?client-cert-file=/c").contains("needs client-cert-file"));
    }

    @ParameterizedTest
    @CsvSource({
        "kms.example.org/id-1, kms.example.org, 5696, false, id-1",
        "kms:1234/4f0c-1, kms, 1234, false, 4f0c-1",
        "kms:5696/name/db-kek, kms, 5696, true, db-kek",
        "kms:5696/name/a%20b%2Fc, kms, 5696, true, a b/c",
        "kms:5696/names/x, kms, 5696, false, names/x",
        "kms:5696/name, kms, 5696, false, name",
        "192.0.2.7/id, 192.0.2.7, 5696, false, id",
        "[2001:db8::7]/id, 2001:db8::7, 5696, false, id",
        "[2001:db8::7]:99/id, 2001:db8::7, 99, false, id"
    })
    void takesAnAddressApart(String address, String host, int port, boolean byName, String key) throws Exception {
        KeyName name = KeyName.of(SourceUri.of(KeySourceSpec.parse("kmip:" + address)));
        assertEquals(new KeyName(host, port, byName, key), name);
        assertTrue(name.authority().endsWith(":" + port));
    }

    /** A key slot must be found again whatever the options are. */
    @Test
    void isKnownByTheAddressAlone() throws Exception {
        try (KeySource source = open("kmip:kms:5696/name/db-kek" + CERTIFICATE + "&cipher=ctr&timeout-seconds=3")) {
            assertEquals("kmip:kms:5696/name/db-kek", source.reference());
            assertEquals("kmip", source.kind());
        }
    }

    /** As a newcomer copies them. */
    @Test
    void understandsEveryPlaceInTheDocs() throws Exception {
        String docs = Files.readString(Path.of("..", "docs", "keysources.md"));
        Matcher place = Pattern.compile("kmip:[a-z.]+:\\d+/[^\\s\"`]+").matcher(docs);
        int found = 0;
        while (place.find()) {
            open(place.group()).close();
            found++;
        }
        assertTrue(found >= 2, "only " + found + " places");
    }
}

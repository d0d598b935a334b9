package io.blockseal.keysource.pkcs11;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A URI names a key; two ways to write one are one key, or a slot would not be found again. */
class KeyUriTest {
    private static KeyUri uri(String text) throws KeySourceException {
        return KeyUri.of(SourceUri.of(KeySourceSpec.parse(text)));
    }

    private static TokenInfo token(String label, String serial) {
        return new TokenInfo(0, label, "SoftHSM project", "SoftHSM v2", serial, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "pkcs11:token=t;object=k, pkcs11:token=t;object=k",
        "pkcs11:object=k;token=t, pkcs11:token=t;object=k",
        "pkcs11:token=t;object=k;type=secret-key, pkcs11:token=t;object=k",
        "PKCS11:id=%0a%6B;serial=12, pkcs11:serial=12;id=%0A%6B",
        "pkcs11:id=k;serial=12, pkcs11:serial=12;id=%6B",
        "pkcs11:token=my%20token%3B;object=%6B, pkcs11:token=my%20token%3B;object=k",
        "pkcs11:token=Schl\u00fcssel;object=a+b, pkcs11:token=Schl%C3%BCssel;object=a+b",
    })
    void isAlwaysWrittenInOneWay(String given, String reference) throws Exception {
        assertEquals(reference, uri(given).reference());
        assertEquals(reference, uri(reference).reference());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pkcs11:token=t",
                "pkcs11:object=k",
                "pkcs11:token=t;object",
                "pkcs11:token=t;object=",
                "pkcs11:token=t;object=%4",
                "pkcs11:token=t;object=%4x",
                "pkcs11:token=t;object=k;",
                "pkcs11:token=t;token=u;object=k",
                "pkcs11:token=t;object=k;slot-id=3",
                "pkcs11:token=t;object=k;type=private",
            })
    void isRefusedUnlessItNamesOneKeyOnOneToken(String given) {
        String words = assertThrows(KeySourceException.class, () -> uri(given)).getMessage();
        assertTrue(words.contains("key source pkcs11:"), words);
    }

    @Test
    void isRefusedIfAKeySlotHasNoRoomForIt() {
        String words = assertThrows(KeySourceException.class, () -> uri("pkcs11:token=t;object=" + "\u00fc".repeat(50)))
                .getMessage();
        assertTrue(words.contains("256 bytes"), words);
    }

    @Test
    void fitsTheTokenWhoseEveryAttributeItNames() throws Exception {
        assertTrue(uri("pkcs11:token=my%20token;object=k").isOn(token("my token", "1")));
        assertFalse(uri("pkcs11:token=my%20token;object=k").isOn(token("my tokens", "1")));
        assertTrue(uri("pkcs11:token=t;serial=1;object=k").isOn(token("t", "1")));
        assertFalse(uri("pkcs11:token=t;serial=1;object=k").isOn(token("t", "2")));
        assertFalse(uri("pkcs11:token=t;model=YubiHSM;object=k").isOn(token("t", "1")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pkcs11:token=t;object=k?module-path=/m.so&pin-value=4711",
                "pkcs11:token=t;object=k;pin-value=4711",
                "pkcs11:token=t;object=k?pin-value=4711%",
            })
    void aPinInAUriIsRefusedAndNotRepeated(String given) throws Exception {
        KeySourceContext nobody = null;
        String words = assertThrows(KeySourceException.class, () -> new Pkcs11KeySourceProvider()
                        .open(KeySourceSpec.parse(given), nobody))
                .getMessage();
        assertTrue(words.contains("pin-source="), words);
        assertFalse(words.contains("4711"), words);
    }
}

package io.blockseal.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {
    private static Arguments parse(String text) throws ArgumentException {
        return Arguments.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void areTheSameOnBothEndsOfTheSocket() throws Exception {
        byte[] secret = {0, 10, -1, 13};
        try (Arguments given = new Arguments()
                        .text("label", "B\u00fcro \"1\"")
                        .number("slot", 7)
                        .flag("force", true)
                        .flag("left-out", false)
                        .texts("ranges", List.of("1", "2-5"))
                        .group("key", new Arguments().text("kind", "file").secret(secret.clone()));
                Arguments got = Arguments.parse(given.encode())) {
            assertEquals("B\u00fcro \"1\"", got.text("label"));
            assertEquals(7, got.requireNumber("slot", 0, 15));
            assertTrue(got.flag("force"));
            assertFalse(got.flag("left-out"));
            assertEquals(List.of("1", "2-5"), got.texts("ranges"));
            Arguments key = got.group("key");
            assertEquals("file", key.text("kind"));
            assertArrayEquals(secret, key.takeSecret());
            assertNull(key.takeSecret(), "a secret has one owner");
            got.requireAllKnown(Set.of());
        }
    }

    @Test
    void areRememberedWithoutTheirSecrets() throws Exception {
        try (Arguments given = new Arguments()
                .number("rate", 5)
                .group("key", new Arguments().text("kind", "passphrase").secret(new byte[] {65, 66, 67}))) {
            assertEquals("{\"rate\":5,\"key\":{\"kind\":\"passphrase\"}}", given.json());
            assertEquals("[rate, key]", given.toString());
        }
    }

    @Test
    void areWipedIfNobodyTookTheirSecret() throws Exception {
        byte[] secret = {1, 2, 3};
        Arguments given = new Arguments().group("key", new Arguments().secret(secret));
        given.close();
        assertArrayEquals(new byte[3], secret);
    }

    @Test
    void refuseWhatNobodyAskedFor() throws Exception {
        Arguments given = parse("{\"slott\": 3}");
        assertEquals(-1, given.number("slot", -1, -1, 15));
        ArgumentException refused = assertThrows(ArgumentException.class, () -> given.requireAllKnown(Set.of()));
        assertTrue(refused.getMessage().contains("'slott' is unknown here; known are: slot"), refused::getMessage);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "7",
                "{",
                "{\"a\"",
                "{\"a\":1",
                "{\"a\":[",
                "{\"a\":1}x",
                "{\"a\":1}{}",
                "{\"a\":1,\"a\":2}",
                "{\"a\":null}",
                "{\"a\":1.5}",
                "{\"a\":99999999999999999999999}",
                "{\"a\":9223372036854775808}",
                "{\"a\":[[]]}",
                "{\"secret\":7}",
                "{\"secret\":\"not base64!\"}",
                "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}",
                "\u0000",
                "<xml/>"
            })
    void refuseWhatIsNoRequest(String text) {
        ArgumentException refused = assertThrows(ArgumentException.class, () -> parse(text));
        assertFalse(refused.getMessage().contains("base64!"), "a value that may be secret was quoted");
    }

    @Test
    void mayBeNone() throws Exception {
        parse("").requireAllKnown(Set.of());
        parse("{}").requireAllKnown(Set.of());
    }

    @Test
    void sayWhatIsExpected() throws Exception {
        Arguments given = parse("{\"slot\":16,\"label\":7}");
        assertTrue(assertThrows(ArgumentException.class, () -> given.number("slot", 0, 0, 15))
                .getMessage()
                .contains("from 0 to 15"));
        assertTrue(assertThrows(ArgumentException.class, () -> given.text("label"))
                .getMessage()
                .contains("'label' is not a text"));
        assertTrue(assertThrows(ArgumentException.class, () -> given.requireText("name"))
                .getMessage()
                .contains("'name' is missing"));
    }
}

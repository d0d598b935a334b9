package io.blockseal.keysource.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys in JSON: they arrive whole, or a sentence without them says why not. */
class KeyJsonTest {
    private static final int KEY_SLOTS = 4;

    private final CryptoEngine engine = new JavaCryptoEngine(KEY_SLOTS, new KernelRandom());

    @AfterEach
    void noKeyIsLeft() {
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS);
        engine.close();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void writesWhatEveryReaderReads() throws IOException {
        String odd = "quote \" backslash \\ line\n tab\t nul\0 umlaut \u00e4 rocket \ud83d\ude80";
        try (Secret key = Secret.random(engine.keys(), 32);
                KeyDocument document = new KeyDocument()
                        .text("odd", odd)
                        .number("n", -5)
                        .texts("map", "a", "1", "b", odd)
                        .bytes("blob", new byte[] {1, 2, 3}, Base64.getUrlEncoder())
                        .key("key", engine, key, Base64.getEncoder())) {
            JsonNode read = new ObjectMapper().readTree(document.toBytes());
            assertEquals(odd, read.get("odd").asText());
            assertEquals(-5, read.get("n").asInt());
            assertEquals(odd, read.get("map").get("b").asText());
            assertEquals("AQID", read.get("blob").asText());
            byte[] body = utf8("{\"data\":{\"key\":\"" + read.get("key").asText() + "\"}}");
            try (KeyReply reply = KeyReply.of(body, "data.key", Base64.getDecoder(), engine);
                    Secret again = reply.takeKey()) {
                assertTrue(engine.keys().same(key.key(), again.key()));
            }
        }
    }

    /** Serialisers may escape any character; some do it with those of Base64. */
    @Test
    void readsAKeyHoweverItsSlashesAndSignsAreEscaped() throws IOException {
        byte[] raw = new byte[32];
        for (int i = 0; i < raw.length; i++) {
            raw[i] = (byte) (0xf8 | i);
        }
        String plain = Base64.getEncoder().encodeToString(raw);
        assertTrue(plain.contains("/") && plain.contains("+") && plain.endsWith("="), plain);
        String escaped = plain.replace("/", "\\/").replace("+", "\\u002B").replace("=", "\\u003d");
        byte[] body = utf8("{\"before\":\"\u00e4\",\"key\" : \"" + escaped + "\",\"after\":\"x\"}");
        try (Secret expected = Secret.empty(engine.keys());
                KeyReply reply = KeyReply.of(body, "key", Base64.getDecoder(), engine);
                Secret key = reply.takeKey()) {
            engine.keys().put(expected.key(), ByteBuffer.wrap(raw));
            assertTrue(engine.keys().same(expected.key(), key.key()));
            assertEquals("x", reply.text("after"));
        }
    }

    @Test
    void findsValuesByTheirPath() throws IOException {
        try (KeyReply reply =
                KeyReply.of(utf8("{\"a\":{\"b\":[{\"c\":1},{\"c\":\"x\"},[true]],\"n\":null},\"d\":2.5,\"e\":{}}"))) {
            assertEquals("1", reply.text("a.b.0.c"));
            assertEquals("x", reply.require("a.b.1.c"));
            assertEquals("true", reply.text("a.b.2.0"));
            assertEquals("2.5", reply.text("d"));
            assertNull(reply.text("a.n"));
            assertEquals("", reply.textOrEmpty("e"));
            assertThrows(IOException.class, () -> reply.require("a.b"));
            assertThrows(IOException.class, reply::takeKey);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"key\":\"!SECRET!\"}",
                "{\"key\":\"U0VDUkVU\"}",
                "{\"key\":\"\\nSECRET\"}",
                "{\"key\":\"\\u0000SECRET\"}",
                "{\"key\":\"SECRETAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                "{\"key\":{\"SECRET\":1}",
                "{\"key\":SECRET}",
                "{\"key\":[\"SECRET\"]",
                "{\"key\":5}",
                "{\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"key\":\"SECRET\"}",
                "{\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", SECRET",
                "SECRET",
                "[]",
                ""
            })
    void refusesWhatIsNoKeyWithoutRepeatingIt(String text) {
        IOException refused =
                assertThrows(IOException.class, () -> KeyReply.of(utf8(text), "key", Base64.getDecoder(), engine)
                        .close());
        assertFalse(String.valueOf(refused.getMessage()).contains("SECRET"), refused::getMessage);
        assertFalse(String.valueOf(refused.getMessage()).contains("U0VDUkVU"), refused::getMessage);
        assertNull(refused.getCause());
    }

    @Test
    void doesNotFallOverDeepAnswers() {
        assertThrows(IOException.class, () -> KeyReply.of(utf8("{\"a\":" + "[".repeat(100_000))));
    }
}

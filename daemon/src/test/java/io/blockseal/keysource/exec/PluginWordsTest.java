package io.blockseal.keysource.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What of a program's words reaches people. */
class PluginWordsTest {
    private static final List<Function<byte[], String>> FORMS = List.of(
            key -> Base64.getEncoder().encodeToString(key),
            key -> Base64.getEncoder().withoutPadding().encodeToString(key),
            key -> Base64.getUrlEncoder().encodeToString(key),
            key -> Base64.getUrlEncoder().withoutPadding().encodeToString(key),
            key -> Base64.getEncoder().encodeToString(key).replace("/", "\\/"),
            key -> Base64.getEncoder().encodeToString(key).replace("+", "%2B").replace("/", "%2F"),
            key -> Base64.getEncoder().encodeToString(key).replace("+", "\\u002b"),
            key -> HexFormat.of().formatHex(key),
            key -> HexFormat.of().withUpperCase().formatHex(key),
            key -> HexFormat.ofDelimiter(":").formatHex(key),
            key -> HexFormat.ofDelimiter(" ").formatHex(key),
            key -> HexFormat.ofDelimiter(", ").withPrefix("0x").formatHex(key),
            key -> new BigInteger(1, key).toString(),
            Arrays::toString,
            // What Node, od, a table and Python make of it.
            key -> IntStream.range(0, key.length)
                    .mapToObj(i -> i + "\":" + (key[i] & 0xff))
                    .collect(Collectors.joining(",\"")),
            key -> numbers(key, "%4d"),
            key -> numbers(key, "\t%d"),
            key -> numbers(key, " %03o"),
            key -> IntStream.range(0, key.length)
                    .mapToObj(i -> String.format("\\x%02x", key[i]))
                    .collect(Collectors.joining()));

    private static String numbers(byte[] key, String format) {
        return IntStream.range(0, key.length)
                .mapToObj(i -> String.format(format, key[i] & 0xff))
                .collect(Collectors.joining())
                .strip();
    }

    private static String line(String said) {
        return PluginWords.firstLine(said.getBytes(StandardCharsets.UTF_8));
    }

    /** A key in any of the usual forms, between whatever stands around it. */
    @Test
    void leavesOutAKeyInWhateverForm() {
        long seed = Long.getLong("blockseal.seed", 20261127);
        System.out.println("blockseal.seed=" + seed);
        Random random = new Random(seed);
        byte[] key = new byte[32];
        for (int i = 0; i < 2000; i++) {
            random.nextBytes(key);
            for (Function<byte[], String> form : FORMS) {
                String text = form.apply(key);
                String said = "cannot parse \"key\":\"" + text + "\"}";
                for (String shown : List.of(line(said), PluginWords.of(said))) {
                    String rest = shown.replace("[[…]]", "[…]").replace("[[…]", "[…]");
                    assertTrue(
                            rest.equals("cannot parse \"key\":\"[…]\"}") || rest.equals("cannot parse \"key\":\"[…]"),
                            () -> said + " as " + shown);
                }
            }
        }
    }

    /** Whatever of it is a letter by chance: nothing behind the first byte that is none. */
    @Test
    void leavesOutBytesAsSuchAndTheirLettersInADump() {
        byte[] key = HexFormat.of().parseHex("41428f43440145464748494a4b4c4d4e4f505152535455565758595a61626364");
        byte[] said = Arrays.copyOf("key ".getBytes(StandardCharsets.UTF_8), 36);
        System.arraycopy(key, 0, said, 4, key.length);
        assertEquals("key AB[…]", PluginWords.firstLine(said));
        assertEquals("key b'AB[…]", line("key b'AB\\x8fCD\\x01EFGHIJKLMNOPQRSTUVWXYZabcd'"));
        assertEquals("[…]", line("00000000  41 42 8f 43 44 01 45 46  47 48 49 4a 4b 4c 4d 4e  |AB.CD.EFGHIJKLMN|"));
    }

    /** Sixteen characters of a key are too many; what is cut off behind them does not help. */
    @Test
    void leavesOutAPartOfAKey() {
        String text = "sJA8azm3Qe+T/0vYx1sJq2RkWb9LdPZcHfU6NnMi7g4=";
        for (int from = 0; from + 16 <= text.length() - 1; from++) {
            String part = text.substring(from, from + 16);
            assertEquals("key " + "[…]" + ".", line("key " + part + "."));
        }
    }

    @Test
    void leavesOutAKeyAtTheEndOfALongLine() {
        String words = "it is so that ".repeat(20);
        String shown = line(words + "sJA8azm3Qe+T/0vYx1sJq2RkWb9LdPZcHfU6NnMi7g4=");
        assertEquals((words + "[…]"), shown);
        assertFalse(line(words + "and more of it sJA8azm3Qe+T/0vYx1sJq2Rk").contains("sJA8"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        /usr/local/libexec/kms: 12: q: parameter not set
        An error occurred (AccessDeniedException) when calling the Encrypt operation: no
        ModuleNotFoundError: No module named 'hvac'
        key 3f2504e0-4f89-41d3-9a0c-0305e82c3301 is disabled since 2026-11-02 10:25:12
        the TPM at swtpm:host=127.0.0.1,port=2321 does not answer
        the registers sha256:0,1,2,3,7 are not as they were
        naïve – “quoted”
        """)
    void passesOnWhatPeopleRead(String words) {
        assertEquals(words, line(words));
        assertEquals(words, PluginWords.of(words));
    }

    @Test
    void takesTheFirstLineThatSaysSomething() {
        assertEquals("one", line("\n  one \ntwo"));
        assertEquals("", line(""));
        assertEquals("", line(" \n "));
        assertEquals("a?b", line("a\u001bb"));
        assertEquals(300, line("word ".repeat(1000)).length());
    }
}

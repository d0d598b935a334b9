package io.blockseal.keysource.kmip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.Vectors;
import io.blockseal.crypto.java.JavaCryptoEngine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server may write, and what nobody may make us do by writing it. */
class TtlvItemTest {
    private static final int DEEPEST = 17;
    private static final int ITEMS_MAX = 2048;
    private static final long ALLOCATED_MAX = 4096;

    private static TtlvItem read(String hex) throws IOException {
        return TtlvItem.read(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    private static String refusal(String hex) {
        return assertThrows(IOException.class, () -> read(hex)).getMessage();
    }

    static List<String> examplesOfTheSpecification() {
        return Vectors.lines("kmip-ttlv.txt");
    }

    @ParameterizedTest
    @MethodSource("examplesOfTheSpecification")
    void readsTheExamplesOfTheSpecification(String line) throws Exception {
        String[] parts = line.split(" \\| ");
        TtlvItem item = read(parts[2]);
        assertEquals(0x420020, item.tag());
        String value =
                switch (parts[0]) {
                    case "integer", "enumeration", "interval" -> String.valueOf(item.number());
                    case "long-integer" -> String.valueOf(item.longNumber());
                    case "date" -> Instant.ofEpochSecond(item.longNumber()).toString();
                    case "big-integer" -> new BigInteger(item.bytes()).toString();
                    case "boolean" -> String.valueOf(item.isTrue());
                    case "text" -> item.text();
                    case "bytes" -> HexFormat.of().formatHex(item.bytes());
                    case "structure" -> {
                        assertEquals(0x420004, item.children().get(0).tag());
                        assertEquals(0x420005, item.children().get(1).tag());
                        yield item.children().get(0).number() + " "
                                + item.children().get(1).number();
                    }
                    default -> throw new AssertionError(line);
                };
        assertEquals(parts[1], value);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        ''                                                                | an item is cut off at byte 0
        42007b01000000                                                    | an item is cut off at byte 0
        42007b 01 00000008 42007a 01 00000000 00                          | bytes after the end of the message
        42007b 01 00000008                                                | a wrong length at byte 0
        42007b 01 00000018 42007a 01 00000000                             | a wrong length at byte 0
        42007b 01 00000008 42007a 01 00000008                             | a wrong length at byte 8
        42007b 01 00000010 42007a 01 00000010 42007a 01 00000000          | a wrong length at byte 8
        42007b 01 00000010 42007a 07 00000009 61616161 61616161           | a wrong length at byte 8
        42007b 07 00000003 616263                                         | an item is cut off at byte 0
        42007b 07 00000009 61616161 61616161 61000000 00                  | an item is cut off at byte 0
        42007b 01 ffffffff                                                | a wrong length at byte 0
        42007b 01 80000000                                                | a wrong length at byte 0
        42007b 08 fffffff8 00000000 00000000                              | a wrong length at byte 0
        42007b 07 7fffffff 00000000 00000000                              | a wrong length at byte 0
        42007b 01 00000004 00000000                                       | a wrong length at byte 0
        42007b 02 00000000                                                | a wrong length at byte 0
        42007b 02 00000008 00000000 00000000                              | a wrong length at byte 0
        42007b 03 00000004 00000000 00000000                              | a wrong length at byte 0
        42007b 04 00000004 00000000 00000000                              | a wrong length at byte 0
        42007b 05 00000003 00000000 00000000                              | a wrong length at byte 0
        42007b 06 00000004 00000000 00000000                              | a wrong length at byte 0
        42007b 09 00000004 00000000 00000000                              | a wrong length at byte 0
        42007b 0a 00000008 00000000 00000000                              | a wrong length at byte 0
        42007b 06 00000008 00000000 00000002                              | neither true nor false at byte 8
        42007b 06 00000008 80000000 00000001                              | neither true nor false at byte 8
        42007b 07 00000003 61626300 00000001                              | what fills up an item is not zero at byte 15
        42007b 02 00000004 00000001 01000000                              | what fills up an item is not zero at byte 12
        42007b 00 00000000                                                | an unknown type at byte 0
        42007b 0c 00000000                                                | an unknown type at byte 0
        42007b ff 00000000                                                | an unknown type at byte 0
        42007b 01 00000008 42007a 11 00000000                             | an unknown type at byte 8
        """)
    void refusesWhatIsNoMessageAndSaysWhere(String hex, String words) {
        assertEquals(words, refusal(hex));
    }

    private static byte[] nested(int deep) {
        byte[] inner = new byte[0];
        for (int i = 0; i < deep; i++) {
            inner = StubMessage.structure(0x42007A, inner);
        }
        return inner;
    }

    @Test
    void refusesWhatIsDeeperOrHasMoreItemsThanAnyAnswer() throws Exception {
        assertEquals(1, TtlvItem.read(nested(DEEPEST)).children().size());
        byte[] deeper = nested(DEEPEST + 1);
        assertTrue(assertThrows(IOException.class, () -> TtlvItem.read(deeper))
                .getMessage()
                .contains("deeper"));
        // As deep as 64 KiB of structures can be: no stack ends here.
        byte[] deepest = nested(TtlvItem.MESSAGE_BYTES_MAX / TtlvItem.HEADER_BYTES);
        assertEquals(TtlvItem.MESSAGE_BYTES_MAX, deepest.length);
        assertThrows(IOException.class, () -> TtlvItem.read(deepest));
        byte[][] many = new byte[ITEMS_MAX - 1][];
        Arrays.fill(many, StubMessage.structure(0x42007A));
        assertEquals(
                many.length,
                TtlvItem.read(StubMessage.structure(0x42007B, many)).children().size());
        byte[][] more = Arrays.copyOf(many, ITEMS_MAX);
        more[ITEMS_MAX - 1] = many[0];
        assertThrows(IOException.class, () -> TtlvItem.read(StubMessage.structure(0x42007B, more)));
        byte[] long64 = new byte[TtlvItem.MESSAGE_BYTES_MAX + 8];
        assertTrue(assertThrows(IOException.class, () -> TtlvItem.read(long64))
                .getMessage()
                .contains("65544 bytes"));
    }

    /** A length that is only claimed costs nothing: no array is made before the bytes are there. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "42007b01fffffff8",
                "42007b0800fffff80000000000000000",
                "42007b077ffffff80000000000000000",
                "42007b01000000084200c208000fffff",
                "42007b010000001042007a01000000084200c20870000000"
            })
    void allocatesNothingForALengthThatIsOnlyClaimed(String hex) {
        byte[] message = HexFormat.of().parseHex(hex);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        // The first time loads classes.
        for (int i = 0; i < 5; i++) {
            long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            assertThrows(IOException.class, () -> TtlvItem.read(message));
            least = Math.min(
                    least,
                    threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before);
        }
        assertTrue(least < ALLOCATED_MAX, least + " bytes");
    }

    @ParameterizedTest
    @CsvSource({
        "42007b0100000000, 8",
        "42007b010000fff8, 65536",
        "42007b0100010000, -1",
        "42007b01fffffff8, -1",
        "42007b0180000000, -1",
        "42007b0100000004, -1",
        "42007b0700000000, -1",
        "42007a0100000000, -1",
        "4854545020343034, -1"
    })
    void readsTheLengthOfAMessageOnlyIfItIsOne(String header, int bytes) {
        assertEquals(bytes, TtlvItem.messageBytes(HexFormat.of().parseHex(header), Tag.RESPONSE_MESSAGE));
    }

    @Test
    void sayWhatAnItemIsNotWhenItIsAskedForSomethingElse() throws Exception {
        String tag = "42007d";
        String[] items = {
            "01 00000000",
            "02 00000004 0000000700000000",
            "03 00000008 0000000000000007",
            "04 00000008 0000000000000007",
            "05 00000004 0000000700000000",
            "06 00000008 0000000000000001",
            "07 00000001 6100000000000000",
            "08 00000001 6100000000000000",
            "09 00000008 0000000000000007",
            "0a 00000004 0000000700000000",
            "0b 00000008 0000000000000007"
        };
        for (int type = 1; type <= items.length; type++) {
            TtlvItem item = read(tag + items[type - 1]);
            assertEquals(type, item.type().code());
            assertAnswers(item, type == 2 || type == 5 || type == 10, TtlvItem::number);
            assertAnswers(item, type == 3 || type == 9, TtlvItem::longNumber);
            assertAnswers(item, type == 6, TtlvItem::isTrue);
            assertAnswers(item, type == 7, TtlvItem::text);
            assertAnswers(item, type == 4 || type == 8, TtlvItem::bytes);
            assertTrue(item.children().isEmpty());
        }
        assertEquals(
                "42ffff is not a text",
                assertThrows(IOException.class, () -> read("42ffff 01 00000000").text())
                        .getMessage());
    }

    private interface Question {
        Object of(TtlvItem item) throws IOException;
    }

    private static void assertAnswers(TtlvItem item, boolean does, Question question) throws IOException {
        if (does) {
            assertTrue(question.of(item) != null);
        } else {
            String words =
                    assertThrows(IOException.class, () -> question.of(item)).getMessage();
            assertTrue(words.startsWith("RESULT_MESSAGE is not "), words);
        }
    }

    @Test
    void findsItemsByTheirTags() throws Exception {
        TtlvItem both = read("42007b 01 00000030 42007a 01 00000000 420094 07 00000001 6100000000000000"
                + "420094 07 00000001 6200000000000000 42007a 01 00000000");
        assertEquals("a", both.require(Tag.UNIQUE_IDENTIFIER).text());
        Function<TtlvItem, Integer> length = TtlvItem::lengthBytes;
        assertEquals(
                List.of(1, 1),
                both.all(Tag.UNIQUE_IDENTIFIER).stream().map(length).toList());
        assertNull(both.find(Tag.DATA));
        assertEquals(
                "there is no DATA",
                assertThrows(IOException.class, () -> both.require(Tag.DATA)).getMessage());
    }

    @Test
    void takesASecretOfItsLengthOnly() throws Exception {
        CryptoEngine engine = new JavaCryptoEngine(4, new KernelRandom());
        byte[] key = new byte[32];
        Arrays.fill(key, (byte) 7);
        TtlvItem item = TtlvItem.read(StubMessage.item(0x4200C2, StubMessage.BYTES, key));
        try (Secret secret = item.secret(engine, 32);
                Secret same = Secret.empty(engine.keys())) {
            engine.keys().put(same.key(), ByteBuffer.wrap(key));
            assertTrue(engine.keys().same(same.key(), secret.key()));
            String words = assertThrows(IOException.class, () -> item.secret(engine, 16))
                    .getMessage();
            assertEquals("DATA has 32 bytes instead of 16", words);
            assertFalse(words.contains("07"));
        }
        TtlvItem text = TtlvItem.read(StubMessage.text(0x4200C2, "x".repeat(32)));
        assertThrows(IOException.class, () -> text.secret(engine, 32));
        engine.close();
    }

    /** What is asked for is a copy: the message is wiped when it has been read. */
    @Test
    void handsOutCopies() throws Exception {
        byte[] message = StubMessage.item(0x4200C2, StubMessage.BYTES, new byte[] {1, 2, 3});
        byte[] copy = TtlvItem.read(message).bytes();
        Arrays.fill(message, (byte) 0);
        assertArrayEquals(new byte[] {1, 2, 3}, copy);
    }
}

package io.blockseal.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "512, 512",
        "4K, 4096",
        "1m, 1048576",
        "10G, 10737418240",
        "10GiB, 10737418240",
        "1T, 1099511627776",
        "8191P, 9222246136947933184"
    })
    void readsPowersOf1024(String text, long bytes) {
        assertEquals(bytes, ByteSize.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "G", "-1", "1.5G", "10GB", "10 G", "0x10", "1KiBi", "1E", "٣", "9223372036854775808", "8192P"
            })
    void refusesWhatCouldMeanSomethingElse(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text))
                .getMessage();
        assertTrue(message.startsWith("'" + text + "' is"), message);
    }

    @Test
    void writesWhatItReads() {
        for (String text : new String[] {"0", "513", "4K", "10G", "3T", "1025M"}) {
            assertEquals(text, ByteSize.exact(ByteSize.parse(text)));
        }
    }

    @Test
    void roundsForPeople() {
        assertEquals("1 byte", ByteSize.human(1));
        assertEquals("1023 bytes", ByteSize.human(1023));
        assertEquals("1.5 KiB", ByteSize.human(1536));
        assertEquals("10 GiB", ByteSize.human(10L << 30));
    }
}

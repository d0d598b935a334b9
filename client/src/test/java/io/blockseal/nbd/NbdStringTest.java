package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdStringTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "disc", "/a b", "Übung", "磁盤", "💾", "\u0001\u007f"})
    void whatIsEncodedComesBack(String text) {
        ByteBuf bytes = Unpooled.wrappedBuffer(NbdString.encode(text));
        assertEquals(text, NbdString.decode(bytes, 0, bytes.readableBytes()).value());
    }

    /** Two byte strings must never decode to one name: a client could open an export under a name it must not see. */
    @ParameterizedTest
    @ValueSource(strings = {"00", "6400", "c080", "c1bf", "e08080", "eda080", "f4908080", "80", "c3", "f09f92", "ff"})
    void otherBytesAreRefused(String hex) {
        ByteBuf bytes = Bytes.of(hex);
        assertFalse(NbdString.decode(bytes, 0, bytes.readableBytes()).isValid());
    }

    @Test
    void lengthsEndAt4096Bytes() {
        ByteBuf bytes = Unpooled.wrappedBuffer("x".repeat(5000).getBytes(StandardCharsets.US_ASCII));
        assertTrue(NbdString.decode(bytes, 0, 0).isValid());
        assertTrue(NbdString.decode(bytes, 0, 4096).isValid());
        assertFalse(NbdString.decode(bytes, 0, 4097).isValid());
        assertFalse(NbdString.decode(bytes, 0, -1).isValid());
        assertEquals(4096, NbdString.encode("x".repeat(4096)).length);
        assertThrows(IllegalArgumentException.class, () -> NbdString.encode("x".repeat(4097)));
        assertThrows(IllegalArgumentException.class, () -> NbdString.encode("Ü".repeat(2049)));
    }

    @Test
    void ourOwnStringsAreCheckedToo() {
        assertThrows(IllegalArgumentException.class, () -> NbdString.encode("a\0b"));
        assertThrows(IllegalArgumentException.class, () -> NbdString.encode("\ud800"));
    }
}

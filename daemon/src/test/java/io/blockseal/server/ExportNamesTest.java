package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.export.Export;
import io.blockseal.metrics.ExportMetrics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An export that no client could be told of is refused where it is made, not in somebody's handshake. */
class ExportNamesTest {
    private static Export export(String name, String description) {
        return new Export(name, description, new MemoryDevice(4096), false, new ExportMetrics("x", 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\0b", "lone surrogate \ud800"})
    void namesThatCannotBeSentAreRefused(String name) {
        assertThrows(IllegalArgumentException.class, () -> export(name, ""));
    }

    @Test
    void lengthCountsBytes() {
        assertThrows(IllegalArgumentException.class, () -> export("\u00e4".repeat(2049), ""));
        assertThrows(IllegalArgumentException.class, () -> export("a", "b".repeat(4097)));
        assertEquals(2048, export("\u00e4".repeat(2048), "").name().length());
    }
}

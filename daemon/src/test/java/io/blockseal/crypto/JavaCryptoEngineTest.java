package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.crypto.java.JavaCryptoEngine;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The pure Java engine keeps every contract, and says that it cannot keep keys off the heap. */
class JavaCryptoEngineTest {
    @Test
    void admitsThatItsKeysLieOnTheHeap() {
        try (JavaCryptoEngine engine = new JavaCryptoEngine()) {
            assertEquals(KeyProtection.HEAP, engine.protection());
        }
    }

    @Nested
    class Xts extends XtsEngineContract {
        @Override
        CryptoEngine newEngine() {
            return new JavaCryptoEngine();
        }
    }
}

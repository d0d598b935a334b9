package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.crypto.java.JavaCryptoEngine;
import java.util.Arrays;
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

    @Test
    void refusesAGeneratorThatRepeatsItself() {
        try (JavaCryptoEngine engine = new JavaCryptoEngine(4, target -> Arrays.fill(target, (byte) 7))) {
            int key = engine.keys().allocate();
            assertThrows(IllegalStateException.class, () -> engine.keys().fillRandom(key, 64));
            assertEquals(0, engine.keys().length(key));
        }
    }

    @Test
    void saysWhenAllSlotsAreTakenAndGoesOnWhenOneIsFree() {
        try (JavaCryptoEngine engine = new JavaCryptoEngine(2, new KernelRandom())) {
            int key = engine.keys().allocate();
            engine.keys().allocate();
            assertThrows(IllegalStateException.class, () -> engine.keys().allocate());
            engine.keys().free(key);
            engine.keys().allocate();
        }
    }

    @Nested
    class Keys extends KeyArenaContract {
        @Override
        CryptoEngine newEngine() {
            return new JavaCryptoEngine();
        }
    }

    @Nested
    class Xts extends XtsEngineContract {
        @Override
        CryptoEngine newEngine() {
            return new JavaCryptoEngine();
        }
    }

    @Nested
    class Wrapping extends KeyWrapContract {
        @Override
        CryptoEngine newEngine() {
            return new JavaCryptoEngine();
        }
    }

    @Nested
    class Derivation extends KeyDerivationContract {
        @Override
        CryptoEngine newEngine() {
            return new JavaCryptoEngine();
        }
    }
}

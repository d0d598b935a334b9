package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.crypto.EngineSelection.Wanted;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.ShimLibrary;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** An operator gets the engine that was asked for, or is told what to do. */
class EngineSelectionTest {
    private final ShimLibrary library = ShimLibrary.open();

    @Test
    void takesTheNativeEngineWhereThereIsOne() throws EngineUnavailableException {
        assumeTrue(library.isPresent(), library::reason);
        EngineSelection selection = EngineSelection.select(Wanted.AUTO, false, library);
        assertInstanceOf(NativeCryptoEngine.class, selection.engine());
        assertInstanceOf(ShimMemorySource.class, selection.memory());
        selection.engine().close();
    }

    @Test
    void takesJavaWhenToldSo() throws EngineUnavailableException {
        EngineSelection selection = EngineSelection.select(Wanted.JAVA, false, library);
        assertInstanceOf(JavaCryptoEngine.class, selection.engine());
        assertInstanceOf(JvmMemorySource.class, selection.memory());
        assertEquals("as asked for", selection.reason());
        selection.engine().close();
    }

    @Test
    void refusesJavaWhereKeysMustBeLocked() {
        String message = assertThrows(
                        EngineUnavailableException.class, () -> EngineSelection.select(Wanted.JAVA, true, library))
                .getMessage();
        assertTrue(message.contains("heap") && message.contains("Set engine to auto or native"), message);
    }

    @Test
    void locksKeysOrSaysHowToAllowIt() throws EngineUnavailableException {
        assumeTrue(library.isPresent(), library::reason);
        try {
            EngineSelection selection = EngineSelection.select(Wanted.AUTO, true, library);
            assertEquals(KeyProtection.LOCKED, selection.engine().protection());
            selection.engine().close();
        } catch (EngineUnavailableException e) {
            assertTrue(e.getMessage().contains("LimitMEMLOCK"), e.getMessage());
            assertTrue(e.getMessage().contains("ulimit -l"), e.getMessage());
        }
    }

    @Nested
    class WithoutTheNativeLibrary {
        @Test
        void fallsBackAndSaysWhy() throws EngineUnavailableException {
            ShimLibrary absent = ShimLibrary.absent("there is one for Linux only");
            EngineSelection selection = EngineSelection.select(Wanted.AUTO, false, absent);
            assertInstanceOf(JavaCryptoEngine.class, selection.engine());
            assertTrue(selection.reason().contains("there is one for Linux only"), selection.reason());
            selection.engine().close();
        }

        @Test
        void refusesWhatNeedsItAndSaysWhatToInstall() {
            ShimLibrary absent = ShimLibrary.absent("libcrypto.so.3 was not found");
            for (boolean locked : new boolean[] {false, true}) {
                String message = assertThrows(
                                EngineUnavailableException.class,
                                () -> EngineSelection.select(locked ? Wanted.AUTO : Wanted.NATIVE, locked, absent))
                        .getMessage();
                assertTrue(message.contains("libcrypto.so.3 was not found"), message);
                assertTrue(message.contains("apt install libssl3"), message);
            }
        }
    }
}

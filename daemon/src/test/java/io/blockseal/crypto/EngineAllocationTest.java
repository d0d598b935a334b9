package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.memory.ShimMemorySource;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** What is allocated per request is collected per request: the guest would feel the pauses. */
class EngineAllocationTest {
    private static final int CALLS = 20_000;
    /** Room for what the JVM itself allocates now and then while compiling; far less than a byte a call. */
    private static final long SLACK_BYTES = CALLS / 4;

    @Test
    void theJavaEngineAllocatesNothingPerUnit() {
        try (JavaCryptoEngine engine = new JavaCryptoEngine()) {
            assertNoGarbage(xts(engine, new JvmMemorySource().map(8192)));
        }
    }

    @Test
    void theNativeEngineAllocatesNothingPerUnit() {
        try (NativeCryptoEngine engine = new NativeCryptoEngine(NativeCryptoEngineTest.shim())) {
            assertNoGarbage(xts(engine, new ShimMemorySource(NativeCryptoEngineTest.shim()).map(8192)));
        }
    }

    @Test
    void theNativeEngineAllocatesNothingPerUnwrap() {
        try (NativeCryptoEngine engine = new NativeCryptoEngine(NativeCryptoEngineTest.shim())) {
            int wrappingKey = engine.keys().allocate();
            int dek = engine.keys().allocate();
            engine.keys().fillRandom(wrappingKey, 32);
            engine.keys().fillRandom(dek, 64);
            byte[] aad = new byte[34];
            ByteBuffer wrapped = ByteBuffer.allocateDirect(KeyWrap.WRAPPED_DEK_BYTES);
            engine.wrap().wrapDek(wrappingKey, 9, 1, aad, dek, wrapped, 0);
            assertNoGarbage(() -> engine.wrap().unwrapDek(wrappingKey, 9, 1, aad, wrapped, 0, dek));
        }
    }

    private static Runnable xts(CryptoEngine engine, Memory memory) {
        int key = engine.keys().allocate();
        engine.keys().fillRandom(key, 64);
        return () -> {
            engine.xts().encrypt(key, memory, 0, 4096, 7, 2);
            engine.xts().decryptSparse(key, memory, 0, 512, 7, 16);
        };
    }

    private static void assertNoGarbage(Runnable call) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        // The first rounds load and compile; the promise is about all that follow.
        for (int round = 0; round < 5; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                call.run();
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertTrue(least < SLACK_BYTES, least + " bytes in " + CALLS + " calls");
    }
}

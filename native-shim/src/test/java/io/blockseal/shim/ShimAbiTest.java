package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

/** A sixth argument would arrive as garbage, and an object argument would allocate: neither may ever be added. */
class ShimAbiTest {
    @Test
    void noMethodHasMoreThanFiveArgumentsOrAnythingButPrimitives() {
        int methods = 0;
        for (Method method : Shim.class.getDeclaredMethods()) {
            assertTrue(method.getParameterCount() <= 5, method.toString());
            assertTrue(isIntOrLong(method.getReturnType()), method.toString());
            for (Class<?> type : method.getParameterTypes()) {
                assertTrue(isIntOrLong(type), method.toString());
            }
            methods++;
        }
        assertTrue(methods > 40, "only " + methods + " methods seen");
    }

    private static boolean isIntOrLong(Class<?> type) {
        return type == int.class || type == long.class;
    }

    @Test
    void methodNamesBecomeSymbols() {
        assertEquals("bs_xts_decrypt_sparse", ShimLibrary.symbol("xtsDecryptSparse"));
        assertEquals("bs_hmac_sha256_parts", ShimLibrary.symbol("hmacSha256Parts"));
        assertEquals("bs_echo5", ShimLibrary.symbol("echo5"));
    }

    @Test
    void argumentsArriveInTheirOrder() {
        Shim shim = ShimFixture.shim();
        assertEquals(1_000_003L, shim.echo5(0, 0, 0, 1, 0));
        assertEquals(1L, shim.echo5(0, 0, 0, 0, 1));
        assertNotEquals(shim.echo5(1, 2, 3, 4, 5), shim.echo5(1, 2, 4, 3, 5));
        assertEquals(-1L, shim.echo5(0, 0, 0, 0, -1), "an int must be sign-extended, not zero-extended");
    }

    @Test
    void callsAllocateNothing() {
        Shim shim = ShimFixture.shim();
        int key = ShimFixture.randomKey(shim, Shim.DEK_BYTES);
        OffHeap unit = OffHeap.allocate(512);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5; attempt++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < 20_000; i++) {
                shim.xtsEncrypt(key, unit.address(), i, 1, 512);
                shim.xtsDecryptSparse(key, unit.address(), i, 1, 512);
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
        }
        shim.keyFree(key);
        // The measuring itself may cost a few objects; 40,000 calls of one byte each would show.
        assertTrue(least < 4_000, least + " bytes for 40,000 calls");
    }
}

package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.Memory;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A volume written on one machine opens on another, whichever engine runs there. */
class EnginesAgreeTest {
    private static final int MEMORY_BYTES = 1 << 20;
    private static final int ROUNDS = 300;

    @Test
    void onEveryRunOfUnits() {
        Shim shim = NativeCryptoEngineTest.shim();
        Random random = EngineContract.seeded();
        Memory memory = new ShimMemorySource(shim).map(MEMORY_BYTES);
        try (JavaCryptoEngine java = new JavaCryptoEngine();
                NativeCryptoEngine nativ = new NativeCryptoEngine(shim)) {
            for (int round = 0; round < ROUNDS; round++) {
                int unitBytes = random.nextBoolean() ? 512 : 4096;
                int most = MEMORY_BYTES / unitBytes;
                int count = 1 + (random.nextInt(4) == 0 ? random.nextInt(most) : random.nextInt(40)) % most;
                long first = random.nextLong() >>> (1 + random.nextInt(63));
                first = Math.min(first, Long.MAX_VALUE - count);
                int offset = random.nextInt((MEMORY_BYTES - count * unitBytes) / 16 + 1) * 16;
                byte[] keyBytes = new byte[64];
                byte[] plain = new byte[count * unitBytes];
                random.nextBytes(keyBytes);
                random.nextBytes(plain);
                byte[] byJava = encrypted(java, keyBytes, memory, offset, plain, unitBytes, first);
                byte[] byNative = encrypted(nativ, keyBytes, memory, offset, plain, unitBytes, first);
                String what = "unit " + unitBytes + " first " + first + " count " + count;
                assertArrayEquals(byJava, byNative, what);
                int key = nativ.keys().allocate();
                nativ.keys().put(key, ByteBuffer.wrap(keyBytes));
                memory.bytes().put(offset, byJava);
                nativ.xts().decryptSparse(key, memory, offset, unitBytes, first, count);
                byte[] back = new byte[plain.length];
                memory.bytes().get(offset, back);
                assertArrayEquals(plain, back, what);
                nativ.keys().free(key);
            }
        }
    }

    @Test
    void onWrappedKeysBothWays() {
        Shim shim = NativeCryptoEngineTest.shim();
        Random random = EngineContract.seeded();
        try (JavaCryptoEngine java = new JavaCryptoEngine();
                NativeCryptoEngine nativ = new NativeCryptoEngine(shim)) {
            for (int round = 0; round < ROUNDS; round++) {
                byte[] wrappingKey = new byte[32];
                byte[] dek = new byte[64];
                byte[] aad = new byte[random.nextInt(60)];
                random.nextBytes(wrappingKey);
                random.nextBytes(dek);
                random.nextBytes(aad);
                CryptoEngine from = round % 2 == 0 ? java : nativ;
                CryptoEngine to = round % 2 == 0 ? nativ : java;
                long range = random.nextLong() >>> 8;
                int generation = random.nextInt();
                byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES];
                from.wrap().wrapDek(key(from, wrappingKey), range, generation, aad, key(from, dek), wrapped, 0);
                int back = to.keys().allocate();
                assertTrue(to.wrap().unwrapDek(key(to, wrappingKey), range, generation, aad, wrapped, 0, back));
                assertTrue(to.keys().same(back, key(to, dek)));
                byte[] kwp = from.wrap().wrapKwp(key(from, wrappingKey), key(from, wrappingKey));
                assertArrayEquals(kwp, to.wrap().wrapKwp(key(to, wrappingKey), key(to, wrappingKey)));
                assertEquals(KeyWrap.KWP_BYTES, kwp.length);
            }
        }
    }

    private static int key(CryptoEngine engine, byte[] bytes) {
        int key = engine.keys().allocate();
        engine.keys().put(key, ByteBuffer.wrap(bytes));
        return key;
    }

    private static byte[] encrypted(
            CryptoEngine engine, byte[] keyBytes, Memory memory, int offset, byte[] plain, int unitBytes, long first) {
        int key = key(engine, keyBytes);
        memory.bytes().put(offset, plain);
        engine.xts().encrypt(key, memory, offset, unitBytes, first, plain.length / unitBytes);
        byte[] cipher = new byte[plain.length];
        memory.bytes().get(offset, cipher);
        engine.keys().free(key);
        return cipher;
    }
}

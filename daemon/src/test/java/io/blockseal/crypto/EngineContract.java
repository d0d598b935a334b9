package io.blockseal.crypto;

import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What every contract of an engine starts from: a fresh engine, a printed seed, and keys by their bytes. */
abstract class EngineContract {
    static final int MEMORY_BYTES = 1 << 18;

    CryptoEngine engine;
    final Random random = seeded();

    /** The engine under test. */
    abstract CryptoEngine newEngine();

    /** Memory that the engine can reach. */
    Memory newMemory(int lengthBytes) {
        return new JvmMemorySource().map(lengthBytes);
    }

    @BeforeEach
    void open() {
        engine = newEngine();
    }

    @AfterEach
    void close() {
        engine.close();
    }

    int key(byte[] bytes) {
        int key = engine.keys().allocate();
        engine.keys().put(key, ByteBuffer.wrap(bytes));
        return key;
    }

    int randomKey(int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        random.nextBytes(bytes);
        return key(bytes);
    }

    byte[] bytesOf(int key) {
        ByteBuffer bytes = ByteBuffer.allocate(engine.keys().length(key));
        engine.keys().copyOut(key, SecretAccess.TEST_ORACLE, bytes);
        return bytes.array();
    }

    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    /** A generator whose seed is printed, and taken back from -Dblockseal.seed. */
    static Random seeded() {
        long seed = Long.getLong("blockseal.seed", new SecureRandom().nextLong());
        System.out.println("blockseal.seed=" + seed);
        return new Random(seed);
    }
}

package io.blockseal.crypto.java;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.KeyDerivation;
import io.blockseal.crypto.KeyProtection;
import io.blockseal.crypto.KeyWrap;
import io.blockseal.crypto.RandomSource;
import io.blockseal.crypto.XtsEngine;

/**
 * The pure Java engine: nearly as fast as the native one on 4096-byte units, but its keys lie on the heap.
 *
 * <p>A key costs about 150 bytes, and each thread that enciphers with it about 5 KB more for the 512 keys that it used
 * last.
 */
public final class JavaCryptoEngine implements CryptoEngine {
    private static final int KEY_COUNT_MAX = 1 << 17;

    private final RandomSource random;
    private final XtsThreads threads = new XtsThreads();
    private final HeapKeyArena keys;
    private final JavaXts xts;
    private final JavaKeyWrap wrap;
    private final JavaKeyDerivation derivation;

    /** An engine with room for 131,072 keys, whose random bytes come from the kernel. */
    public JavaCryptoEngine() {
        this(KEY_COUNT_MAX, new KernelRandom());
    }

    /** An engine with room for {@code keyCountMax} keys and its own source of random bytes. */
    public JavaCryptoEngine(int keyCountMax, RandomSource random) {
        this.random = random;
        this.keys = new HeapKeyArena(keyCountMax, random, threads::forget);
        this.xts = new JavaXts(keys, threads);
        this.wrap = new JavaKeyWrap(keys, random);
        this.derivation = new JavaKeyDerivation(keys);
    }

    @Override
    public String description() {
        return "java (AES of JDK " + Runtime.version().feature() + ")";
    }

    @Override
    public KeyProtection protection() {
        return KeyProtection.HEAP;
    }

    @Override
    public KeyArena keys() {
        return keys;
    }

    @Override
    public XtsEngine xts() {
        return xts;
    }

    @Override
    public KeyWrap wrap() {
        return wrap;
    }

    @Override
    public KeyDerivation derivation() {
        return derivation;
    }

    @Override
    public void fillRandom(byte[] target) {
        random.fill(target);
    }

    @Override
    public void forgetThread() {
        threads.forgetCurrent();
    }

    @Override
    public void close() {
        keys.close();
    }
}

package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import org.jspecify.annotations.Nullable;

/** What a daemon on this machine would have: the native library's engine and memory, or Java's where there is none. */
public record EngineHere(
        CryptoEngine engine, MemorySource memory, @Nullable Shim shim) {
    /** Opens it; who does closes the engine. */
    public static EngineHere open() {
        Shim shim = ShimLibrary.open().shim();
        CryptoEngine engine = shim == null ? new JavaCryptoEngine() : new NativeCryptoEngine(shim);
        return new EngineHere(engine, memoryHere(), shim);
    }

    /** Its memory alone, which either engine can use. */
    public static MemorySource memoryHere() {
        Shim shim = ShimLibrary.open().shim();
        return shim == null ? new JvmMemorySource() : new ShimMemorySource(shim);
    }
}

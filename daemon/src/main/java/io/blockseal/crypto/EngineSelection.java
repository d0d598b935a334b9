package io.blockseal.crypto;

import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;

/**
 * The engine that this process runs, the memory that goes with it, and why it was taken; made once, at start.
 *
 * @param engine the engine, which the caller closes
 * @param memory where buffers for it must come from
 * @param reason why this engine, for the start-up line, such as "native: chosen automatically"
 */
public record EngineSelection(CryptoEngine engine, MemorySource memory, String reason) {
    /** What the operator asked for. */
    public enum Wanted {
        /** Native where it works, else Java. */
        AUTO,
        /** Native or nothing. */
        NATIVE,
        /** Java, whatever there is. */
        JAVA
    }

    /**
     * Takes the engine that is wanted, if it is there.
     *
     * @param library the native library, present or not
     * @param requireLockedKeys whether to refuse any engine whose keys may reach swap or a core dump
     * @throws EngineUnavailableException if there is no such engine; the message says what to do
     */
    public static EngineSelection select(Wanted wanted, boolean requireLockedKeys, ShimLibrary library)
            throws EngineUnavailableException {
        Shim shim = library.shim();
        if (wanted == Wanted.NATIVE && shim == null) {
            throw new EngineUnavailableException("the native engine was asked for, but " + library.reason()
                    + ". Install OpenSSL 3 (Debian: apt install libssl3), or set engine to auto or java");
        }
        if (requireLockedKeys && (wanted == Wanted.JAVA || shim == null)) {
            throw new EngineUnavailableException("locked keys are required, but the Java engine keeps keys on the heap"
                    + (wanted == Wanted.JAVA
                            ? ". Set engine to auto or native"
                            : ", and there is no native one: " + library.reason()
                                    + ". Install OpenSSL 3 (Debian: apt install libssl3)")
                    + ", or set require-locked-keys to false");
        }
        if (wanted == Wanted.JAVA || shim == null) {
            String reason =
                    wanted == Wanted.JAVA ? "as asked for" : "the native engine is missing: " + library.reason();
            return new EngineSelection(new JavaCryptoEngine(), new JvmMemorySource(), reason);
        }
        NativeCryptoEngine engine = new NativeCryptoEngine(shim);
        if (requireLockedKeys && engine.protection() != KeyProtection.LOCKED) {
            engine.close();
            throw new EngineUnavailableException(
                    "locked keys are required, but the system refused to lock their memory ("
                            + ShimLibrary.describeProtection(shim.protection())
                            + "). Raise the limit: LimitMEMLOCK=64M in the systemd unit, or ulimit -l 65536 in the shell"
                            + " that starts it; or set require-locked-keys to false");
        }
        String reason = wanted == Wanted.NATIVE ? "as asked for" : "chosen automatically, as it is present and works";
        return new EngineSelection(engine, new ShimMemorySource(shim), reason);
    }
}

package io.blockseal.crypto.nativ;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.KeyDerivation;
import io.blockseal.crypto.KeyProtection;
import io.blockseal.crypto.KeyWrap;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;

/** libcrypto behind the shim; the process has one set of key slots, which all engines share. */
public final class NativeCryptoEngine implements CryptoEngine {
    private static final int ALL_PROTECTION =
            Shim.SLOTS_LOCKED | Shim.SCHEDULES_LOCKED | Shim.UNDUMPABLE | Shim.NO_FORK;

    private final Shim shim;
    private final NativeKeyArena keys;
    private final NativeXts xts;
    private final NativeKeyWrap wrap;
    private final NativeKeyDerivation derivation;

    /** An engine over a shim that is open, and so has passed its self-test. */
    public NativeCryptoEngine(Shim shim) {
        ThreadLocal<NativeScratch> scratchOfThread = ThreadLocal.withInitial(NativeScratch::new);
        this.shim = shim;
        this.keys = new NativeKeyArena(shim);
        this.xts = new NativeXts(shim);
        this.wrap = new NativeKeyWrap(shim, keys, scratchOfThread);
        this.derivation = new NativeKeyDerivation(shim, keys, scratchOfThread);
    }

    @Override
    public String description() {
        // OpenSSL 3 and later: 0xMNN00PP0, major, minor, patch.
        long version = shim.libcryptoVersion();
        return "native (libcrypto " + (version >>> 28) + "." + (version >>> 20 & 0xff) + "." + (version >>> 4 & 0xff)
                + ", xts by " + xtsEngine() + ")";
    }

    private String xtsEngine() {
        return switch (shim.xtsEngine()) {
            case Shim.XTS_VAES512 -> "vaes512";
            case Shim.XTS_VAES256 -> "vaes256";
            case Shim.XTS_DISTRUSTED -> "libcrypto, as this processor's vector code failed its self-test";
            default -> "libcrypto";
        };
    }

    @Override
    public KeyProtection protection() {
        return keys.crossingLocked() && (shim.protection() & ALL_PROTECTION) == ALL_PROTECTION
                ? KeyProtection.LOCKED
                : KeyProtection.UNLOCKED;
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
        OffHeap bytes = OffHeap.allocate(target.length);
        Result.check(shim.random(bytes.address(), target.length));
        bytes.buffer().get(target);
    }

    @Override
    public void forgetThread() {
        Result.check(shim.threadForget());
    }

    @Override
    public void close() {
        keys.close();
    }
}

package io.blockseal.crypto.nativ;

import io.blockseal.crypto.KeyWrap;
import io.blockseal.shim.DekBlock;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;
import java.nio.ByteBuffer;

/** DEKs and volume keys under their keys, from slot to slot. */
final class NativeKeyWrap implements KeyWrap {
    private static final int KEY_BYTES = 32;

    private final Shim shim;
    private final NativeKeyArena keys;
    private final ThreadLocal<NativeScratch> scratchOfThread;

    NativeKeyWrap(Shim shim, NativeKeyArena keys, ThreadLocal<NativeScratch> scratchOfThread) {
        this.shim = shim;
        this.keys = keys;
        this.scratchOfThread = scratchOfThread;
    }

    @Override
    public void wrapDek(
            int wrappingKey, long rangeIndex, int generation, byte[] aad, int dek, ByteBuffer out, int outOffset) {
        NativeScratch scratch = scratchOfThread.get();
        DekBlock block = prepare(scratch, wrappingKey, rangeIndex, generation, aad, dek);
        keys.require(wrappingKey, KEY_BYTES);
        keys.require(dek, Shim.DEK_BYTES);
        Result.check(shim.dekWrap(block.address()));
        scratch.get(0, out, outOffset, WRAPPED_DEK_BYTES);
        scratch.wipe(0, WRAPPED_DEK_BYTES);
    }

    @Override
    public boolean unwrapDek(
            int wrappingKey,
            long rangeIndex,
            int generation,
            byte[] aad,
            ByteBuffer wrapped,
            int wrappedOffset,
            int dek) {
        NativeScratch scratch = scratchOfThread.get();
        DekBlock block = prepare(scratch, wrappingKey, rangeIndex, generation, aad, dek);
        scratch.put(0, wrapped, wrappedOffset, WRAPPED_DEK_BYTES);
        int result = shim.dekUnwrap(block.address());
        scratch.wipe(0, WRAPPED_DEK_BYTES);
        return filled(result, dek);
    }

    @Override
    public byte[] wrapKwp(int kek, int key) {
        NativeScratch scratch = scratchOfThread.get();
        keys.require(kek, KEY_BYTES);
        keys.require(key, KEY_BYTES);
        int lengthBytes = Result.check(shim.kwpWrap(kek, key, KEY_BYTES, scratch.address(0)));
        byte[] wrapped = scratch.get(0, lengthBytes);
        scratch.wipe(0, lengthBytes);
        return wrapped;
    }

    @Override
    public boolean unwrapKwp(int kek, byte[] wrapped, int key) {
        NativeScratch scratch = scratchOfThread.get();
        keys.require(kek, KEY_BYTES);
        if (wrapped.length != KWP_BYTES) {
            keys.clear(key);
            return false;
        }
        scratch.put(0, wrapped);
        int result = shim.kwpUnwrap(kek, key, KEY_BYTES, scratch.address(0));
        scratch.wipe(0, wrapped.length);
        return filled(result, key);
    }

    /** The room holds the wrapped DEK, then the additional data. */
    private static DekBlock prepare(
            NativeScratch scratch, int wrappingKey, long rangeIndex, int generation, byte[] aad, int dek) {
        scratch.reserve(WRAPPED_DEK_BYTES + aad.length);
        scratch.put(WRAPPED_DEK_BYTES, aad);
        return scratch.dek
                .keys(wrappingKey, dek)
                .entry(rangeIndex, generation)
                .aad(scratch.address(WRAPPED_DEK_BYTES), aad.length)
                .wrapped(scratch.address(0), scratch.address(Shim.NONCE_BYTES));
    }

    private boolean filled(int result, int key) {
        if (result >= 0) {
            return true;
        }
        // The shim leaves the slot's old key, under which the caller must not go on, whatever the failure was.
        shim.keyClear(key);
        if (result != ShimError.BAD_TAG && result != ShimError.KEY_REJECTED) {
            Result.check(result);
        }
        return false;
    }
}

package io.blockseal.crypto.nativ;

import io.blockseal.crypto.KeyDerivation;
import io.blockseal.shim.HkdfBlock;
import io.blockseal.shim.Shim;
import java.nio.ByteBuffer;
import java.util.List;

/** HKDF from slot to slot, and MACs over bytes that are copied out of the heap. */
final class NativeKeyDerivation implements KeyDerivation {
    private final Shim shim;
    private final NativeKeyArena keys;
    private final ThreadLocal<NativeScratch> scratchOfThread;

    NativeKeyDerivation(Shim shim, NativeKeyArena keys, ThreadLocal<NativeScratch> scratchOfThread) {
        this.shim = shim;
        this.keys = keys;
        this.scratchOfThread = scratchOfThread;
    }

    @Override
    public void hkdf(int inputKey, byte[] salt, byte[] info, int outputKey) {
        HkdfBlock block = prepare(scratchOfThread.get(), inputKey, salt, info);
        Result.check(shim.hkdfSha256(block.toKey(outputKey, Shim.MAC_BYTES).address()));
    }

    @Override
    public byte[] hkdfPublic(int inputKey, byte[] salt, byte[] info, int lengthBytes) {
        if (lengthBytes < 1 || lengthBytes > Shim.MAC_BYTES) {
            throw new IllegalArgumentException("1 to 32 bytes can be derived, not " + lengthBytes);
        }
        NativeScratch scratch = scratchOfThread.get();
        HkdfBlock block = prepare(scratch, inputKey, salt, info);
        Result.check(
                shim.hkdfSha256(block.toMemory(scratch.address(0), lengthBytes).address()));
        return scratch.get(0, lengthBytes);
    }

    @Override
    public byte[] hmac(int key, byte[]... pieces) {
        NativeScratch scratch = scratchOfThread.get();
        int lengthBytes = 0;
        for (byte[] piece : pieces) {
            lengthBytes = Math.addExact(lengthBytes, piece.length);
        }
        scratch.reserve(Shim.MAC_BYTES + lengthBytes);
        int at = Shim.MAC_BYTES;
        for (byte[] piece : pieces) {
            at = scratch.put(at, piece);
        }
        return hmac(key, scratch, lengthBytes);
    }

    @Override
    public byte[] hmac(int key, List<ByteBuffer> pieces) {
        NativeScratch scratch = scratchOfThread.get();
        int lengthBytes = 0;
        for (ByteBuffer piece : pieces) {
            lengthBytes = Math.addExact(lengthBytes, piece.remaining());
        }
        scratch.reserve(Shim.MAC_BYTES + lengthBytes);
        int at = Shim.MAC_BYTES;
        for (ByteBuffer piece : pieces) {
            at = scratch.put(at, piece);
        }
        try {
            return hmac(key, scratch, lengthBytes);
        } finally {
            scratch.wipe(Shim.MAC_BYTES, lengthBytes);
        }
    }

    /** The room holds the result, then what it is made of. */
    private byte[] hmac(int key, NativeScratch scratch, int lengthBytes) {
        Result.check(shim.hmacSha256(
                key, keys.filled(key), scratch.address(Shim.MAC_BYTES), lengthBytes, scratch.address(0)));
        return scratch.get(0, Shim.MAC_BYTES);
    }

    /** The room holds the result, then salt and info. */
    private HkdfBlock prepare(NativeScratch scratch, int inputKey, byte[] salt, byte[] info) {
        scratch.reserve(Shim.MAC_BYTES + salt.length + info.length);
        int infoAt = scratch.put(Shim.MAC_BYTES, salt);
        scratch.put(infoAt, info);
        return scratch.hkdf
                .key(inputKey, keys.filled(inputKey))
                .salt(scratch.address(Shim.MAC_BYTES), salt.length)
                .info(scratch.address(infoAt), info.length);
    }
}

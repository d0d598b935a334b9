package io.blockseal.crypto.nativ;

import io.blockseal.block.HotPath;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.memory.Memory;
import io.blockseal.shim.Shim;

/** One native call for a whole run of units. */
@HotPath("deciphers and enciphers every byte that a guest reads or writes")
final class NativeXts implements XtsEngine {
    private final Shim shim;

    NativeXts(Shim shim) {
        this.shim = shim;
    }

    @Override
    public boolean encrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        long address = XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount) + addressOf(memory);
        return Result.check(shim.xtsEncrypt(key, address, firstUnit, unitCount, unitBytes)) != 0;
    }

    @Override
    public void decryptSparse(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        long address = XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount) + addressOf(memory);
        Result.check(shim.xtsDecryptSparse(key, address, firstUnit, unitCount, unitBytes));
    }

    @Override
    public void decrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        long address = XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount) + addressOf(memory);
        Result.check(shim.xtsDecrypt(key, address, firstUnit, unitCount, unitBytes));
    }

    private static long addressOf(Memory memory) {
        if (memory.address() == 0) {
            throw new IllegalArgumentException("memory for the native engine comes from ShimMemorySource");
        }
        return memory.address();
    }
}

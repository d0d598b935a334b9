package io.blockseal.crypto.java;

import io.blockseal.block.HotPath;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.memory.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import javax.crypto.Cipher;
import javax.crypto.ShortBufferException;

/**
 * XTS from the JDK's AES (IEEE 1619-2018, 5.3): mask, AES/ECB over the whole unit at once, mask again. The JDK's
 * compiled AES then runs at its full speed; only the masks are ours.
 *
 * <p>Data passes through a heap array of 4096 bytes that belongs to the thread, as {@code Cipher} would copy direct
 * buffers anyway, in smaller pieces.
 */
@HotPath("deciphers and enciphers every byte that a guest reads or writes")
final class JavaXts implements XtsEngine {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    /** x^128 = x^7 + x^2 + x + 1 in the field of the tweaks. */
    private static final long FIELD_POLYNOMIAL = 0x87;

    private enum Pass {
        ENCRYPT,
        DECRYPT,
        DECRYPT_SPARSE
    }

    private final HeapKeyArena keys;
    private final XtsThreads threads;

    JavaXts(HeapKeyArena keys, XtsThreads threads) {
        this.keys = keys;
        this.threads = threads;
    }

    @Override
    public boolean encrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount);
        return run(Pass.ENCRYPT, key, memory, offset, unitBytes, firstUnit, 0, unitCount);
    }

    @Override
    public void decryptSparse(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount);
        run(Pass.DECRYPT_SPARSE, key, memory, offset, unitBytes, firstUnit, 0, unitCount);
    }

    @Override
    public void decrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        XtsEngine.check(memory, offset, unitBytes, firstUnit, unitCount);
        run(Pass.DECRYPT, key, memory, offset, unitBytes, firstUnit, 0, unitCount);
    }

    /** One unit whose tweak uses all 128 bits, as some published vectors have it; volumes count in 64. */
    void cryptUnit(boolean encrypting, int key, Memory memory, int unitBytes, long tweakLow, long tweakHigh) {
        XtsEngine.check(memory, 0, unitBytes, 0, 1);
        run(encrypting ? Pass.ENCRYPT : Pass.DECRYPT, key, memory, 0, unitBytes, tweakLow, tweakHigh, 1);
    }

    private boolean run(
            Pass pass,
            int key,
            Memory memory,
            int offset,
            int unitBytes,
            long firstUnit,
            long tweakHigh,
            int unitCount) {
        XtsThread thread = threads.current();
        XtsSchedule schedule = thread.scheduleOf(keys.filled(key, KeyArena.KEY_BYTES_MAX));
        // A power of two, so that no batch needs tweaks of two groups.
        int batchUnits = Integer.highestOneBit(Math.min(XtsThread.TWEAK_COUNT, XtsThread.BATCH_BYTES / unitBytes));
        boolean cameOutZero = false;
        try {
            for (int done = 0; done < unitCount; done += batchUnits) {
                int inGroup = done % XtsThread.TWEAK_COUNT;
                if (inGroup == 0) {
                    makeTweaks(thread, schedule.tweak(), firstUnit + done, tweakHigh, unitCount - done);
                }
                int count = Math.min(batchUnits, unitCount - done);
                cameOutZero |= batch(
                        pass,
                        thread,
                        schedule.data(pass == Pass.ENCRYPT),
                        memory.bytes(),
                        offset + done * unitBytes,
                        unitBytes,
                        inGroup,
                        count);
            }
        } catch (ShortBufferException e) {
            throw new AssertionError("scratch is as large as a batch", e);
        }
        return cameOutZero;
    }

    private static void makeTweaks(XtsThread thread, Cipher cipher, long firstUnit, long high, int wanted)
            throws ShortBufferException {
        int count = Math.min(wanted, XtsThread.TWEAK_COUNT);
        for (int i = 0; i < count; i++) {
            LONGS.set(thread.numbers, i * BLOCK_BYTES, firstUnit + i);
            LONGS.set(thread.numbers, i * BLOCK_BYTES + Long.BYTES, high);
        }
        cipher.update(thread.numbers, 0, count * BLOCK_BYTES, thread.tweaks, 0);
    }

    private static boolean batch(
            Pass pass,
            XtsThread thread,
            Cipher cipher,
            ByteBuffer bytes,
            int offset,
            int unitBytes,
            int firstTweak,
            int count)
            throws ShortBufferException {
        int lengthBytes = count * unitBytes;
        bytes.get(offset, thread.in, 0, lengthBytes);
        int zeroUnits = pass == Pass.DECRYPT_SPARSE ? zeroUnits(thread.in, unitBytes, count) : 0;
        for (int i = 0; i < count; i++) {
            makeMask(thread.tweaks, (firstTweak + i) * BLOCK_BYTES, thread.mask, i * unitBytes, unitBytes);
        }
        xor(thread.in, thread.mask, lengthBytes);
        cipher.update(thread.in, 0, lengthBytes, thread.out, 0);
        xor(thread.out, thread.mask, lengthBytes);
        if (zeroUnits == 0) {
            bytes.put(offset, thread.out, 0, lengthBytes);
        } else {
            for (int i = 0; i < count; i++) {
                if ((zeroUnits >>> i & 1) == 0) {
                    bytes.put(offset + i * unitBytes, thread.out, i * unitBytes, unitBytes);
                }
            }
        }
        return pass == Pass.ENCRYPT && zeroUnits(thread.out, unitBytes, count) != 0;
    }

    /** The tweak times x, x^2, x^3 ... of the field, one for each block of the unit. */
    private static void makeMask(byte[] tweaks, int tweakOffset, byte[] mask, int offset, int unitBytes) {
        long low = (long) LONGS.get(tweaks, tweakOffset);
        long high = (long) LONGS.get(tweaks, tweakOffset + Long.BYTES);
        for (int i = offset; i < offset + unitBytes; i += BLOCK_BYTES) {
            LONGS.set(mask, i, low);
            LONGS.set(mask, i + Long.BYTES, high);
            long reduction = high >> 63 & FIELD_POLYNOMIAL;
            high = high << 1 | low >>> 63;
            low = low << 1 ^ reduction;
        }
    }

    private static void xor(byte[] data, byte[] mask, int lengthBytes) {
        for (int i = 0; i < lengthBytes; i++) {
            data[i] ^= mask[i];
        }
    }

    /** Bit i is set if unit i is all zeros. */
    private static int zeroUnits(byte[] data, int unitBytes, int count) {
        int zeros = 0;
        for (int i = 0; i < count; i++) {
            if (isZero(data, i * unitBytes, unitBytes)) {
                zeros |= 1 << i;
            }
        }
        return zeros;
    }

    private static boolean isZero(byte[] data, int offset, int lengthBytes) {
        for (int i = offset; i < offset + lengthBytes; i += Long.BYTES) {
            if ((long) LONGS.get(data, i) != 0) {
                return false;
            }
        }
        return true;
    }
}

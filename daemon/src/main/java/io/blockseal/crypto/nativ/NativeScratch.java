package io.blockseal.crypto.nativ;

import io.blockseal.shim.DekBlock;
import io.blockseal.shim.HkdfBlock;
import io.blockseal.shim.OffHeap;
import java.nio.ByteBuffer;

/**
 * One thread's parameter blocks, and room for arguments that come as arrays. Nothing secret passes through: keys travel
 * as handles. The room grows to the largest argument and is then reused.
 */
final class NativeScratch {
    private static final int ROOM_BYTES = 8192;

    final DekBlock dek = new DekBlock();
    final HkdfBlock hkdf = new HkdfBlock();
    private OffHeap room = OffHeap.allocate(ROOM_BYTES);
    private ByteBuffer bytes = room.buffer();

    /** Makes room for {@code lengthBytes}; what was there may be gone. */
    void reserve(int lengthBytes) {
        if (room.length() < lengthBytes) {
            room = OffHeap.allocate(Math.max(lengthBytes, 2 * room.length()));
            bytes = room.buffer();
        }
    }

    /** Copies the array into the room at {@code at}; returns where the next one may begin. */
    int put(int at, byte[] source) {
        bytes.put(at, source);
        return at + source.length;
    }

    /** Copies the remaining bytes of the buffer likewise; its position stays. */
    int put(int at, ByteBuffer source) {
        bytes.put(at, source, source.position(), source.remaining());
        return at + source.remaining();
    }

    void put(int at, ByteBuffer source, int offset, int lengthBytes) {
        bytes.put(at, source, offset, lengthBytes);
    }

    void get(int at, ByteBuffer target, int offset, int lengthBytes) {
        target.put(offset, bytes, at, lengthBytes);
    }

    /** Overwrites what somebody may destroy elsewhere, and then wants to be gone. */
    void wipe(int at, int lengthBytes) {
        int i = at;
        int end = at + lengthBytes;
        for (; i + Long.BYTES <= end; i += Long.BYTES) {
            bytes.putLong(i, 0);
        }
        for (; i < end; i++) {
            bytes.put(i, (byte) 0);
        }
    }

    byte[] get(int at, int lengthBytes) {
        return room.get(at, lengthBytes);
    }

    long address(int at) {
        return room.address(at);
    }
}

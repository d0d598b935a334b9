package io.blockseal.transfer;

import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;

/** What can be told about a target before anything is written to it. */
enum Blankness {
    /** By its own word all of it reads as zeros. */
    BLANK,
    /** It does not tell, and where we looked were zeros. */
    UNKNOWN,
    /** It holds something. */
    HOLDS;

    private static final int EXTENTS = 512;
    private static final int LOOK_BYTES = 1 << 20;
    private static final int GLANCES = 256;
    private static final int GLANCE_BYTES = 4096;

    /** Asks a target that can be read. */
    static Blankness of(Lane target) {
        long size = target.side().sizeBytes();
        if (!target.side().knowsHoles()) {
            return look(target, size);
        }
        ExtentList extents = new ExtentList(EXTENTS);
        long position = 0;
        while (position < size) {
            if (target.status(position, size - position, extents) != Errno.OK || extents.totalBytes() == 0) {
                return HOLDS;
            }
            for (int i = 0; i < extents.count(); i++) {
                if ((extents.state(i) & ExtentList.ZERO) == 0) {
                    return HOLDS;
                }
                position += extents.lengthBytes(i);
            }
        }
        return BLANK;
    }

    /** At both ends, where headers and labels lie, and at many places between. */
    private static Blankness look(Lane target, long size) {
        long length = Math.min(size, LOOK_BYTES);
        if (holds(target, 0, length) || holds(target, size - length, length)) {
            return HOLDS;
        }
        for (long i = 1; i < GLANCES && size > 2 * LOOK_BYTES; i++) {
            if (holds(target, size / GLANCES * i / GLANCE_BYTES * GLANCE_BYTES, GLANCE_BYTES)) {
                return HOLDS;
            }
        }
        return UNKNOWN;
    }

    /** Also if it cannot be read. */
    private static boolean holds(Lane target, long offset, long length) {
        byte[] bytes = new byte[(int) length];
        return length > 0 && (target.read(offset, bytes) != Errno.OK || !isZero(bytes));
    }

    private static boolean isZero(byte[] bytes) {
        for (byte each : bytes) {
            if (each != 0) {
                return false;
            }
        }
        return true;
    }

    /** Makes the rest of a target zeros, behind what is copied. */
    static Errno zeroFrom(Lane target, long offset) {
        long size = target.side().sizeBytes();
        boolean zeroes = target.side().kind() == Side.Kind.DISK;
        long step = zeroes ? 1L << 30 : LOOK_BYTES;
        for (long at = offset; at < size; ) {
            long length = Math.min(size - at, step - at % step);
            Errno errno = zeroes ? target.run(Command.WRITE_ZEROES, at, length) : target.writeZeros(at, (int) length);
            if (errno != Errno.OK) {
                return errno;
            }
            at += length;
        }
        return Errno.OK;
    }
}

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

    /** Asks a target that can be read. */
    static Blankness of(Lane target) {
        long size = target.side().sizeBytes();
        ExtentList extents = new ExtentList(EXTENTS);
        long position = 0;
        while (position < size) {
            if (target.status(position, size - position, extents) != Errno.OK || extents.totalBytes() == 0) {
                return look(target, size);
            }
            for (int i = 0; i < extents.count(); i++) {
                if ((extents.state(i) & ExtentList.ZERO) == 0) {
                    boolean sayNothing = position == 0 && extents.lengthBytes(i) >= size;
                    return sayNothing ? look(target, size) : HOLDS;
                }
                position += extents.lengthBytes(i);
            }
        }
        return BLANK;
    }

    /** One extent of data is what those say who do not know: headers and labels lie at the two ends. */
    private static Blankness look(Lane target, long size) {
        byte[] bytes = new byte[(int) Math.min(size, LOOK_BYTES)];
        for (long offset : new long[] {0, size - bytes.length}) {
            if (bytes.length == 0) {
                break;
            }
            if (target.read(offset, bytes) != Errno.OK || !isZero(bytes)) {
                return HOLDS;
            }
        }
        return UNKNOWN;
    }

    static boolean isZero(byte[] bytes) {
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

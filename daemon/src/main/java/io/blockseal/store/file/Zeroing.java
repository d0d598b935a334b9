package io.blockseal.store.file;

import io.blockseal.memory.Memory;

/**
 * Makes stretches of a file read as zeros: by a hole where there are holes, else by the system's own zeroing, else by
 * writing zeros. A bare discard is never used: what it leaves behind is up to the device. From any thread.
 */
final class Zeroing {
    private static final int PROBE_BYTES = 4096;

    private final SystemFile file;
    private final Memory zeros;
    /** What the system zeroes at once, and no part of it; a power of two. */
    private final int blockBytes;

    private volatile boolean holes;
    /**
     * Whether one has been made. Linux throws away what memory has of a device's stretch before it asks the device, which may
     * say that it cannot: then what was written there last is gone.
     */
    private volatile boolean holesAreSure;

    private volatile boolean systemZeroing = true;

    /** Zeroing whose last resort writes from {@code zeros}, which nobody ever changes. */
    private Zeroing(SystemFile file, Memory zeros, int blockBytes, boolean holes, boolean holesAreSure) {
        this.file = file;
        this.zeros = zeros;
        this.blockBytes = blockBytes;
        this.holes = holes;
        this.holesAreSure = holesAreSure;
    }

    /** Finds out what the file can do; a stretch past the end of a regular file is punched, which changes nothing. */
    static Zeroing probe(SystemFile file, FileFacts facts, boolean readOnly, Memory zeros) {
        boolean device = facts.kind() == FileFacts.Kind.BLOCK_DEVICE;
        boolean holes = !readOnly && (device ? file.fast() : file.punch(pastEnd(facts.sizeBytes()), PROBE_BYTES) == 0);
        return new Zeroing(file, zeros, device ? facts.logicalBlockBytes() : 1, holes, !device);
    }

    private static long pastEnd(long sizeBytes) {
        return (sizeBytes + PROBE_BYTES - 1) / PROBE_BYTES * PROBE_BYTES;
    }

    /** Whether zeroing makes holes: fast, and space comes back. */
    boolean hasHoles() {
        return holes;
    }

    /**
     * Zeroes the stretch. Whether a device can do it fast is known once it has done it for somebody who did not insist.
     *
     * @param fastOnly rather fail with {@link SystemFile#NOT_SUPPORTED}, nothing changed, than write zeros
     * @return 0 or a negative error number
     */
    int zero(long offset, long lengthBytes, boolean fastOnly) {
        if (((offset | lengthBytes) & (blockBytes - 1)) == 0) {
            return zeroBlocks(offset, lengthBytes, fastOnly);
        }
        // A disk of 4096-byte sectors refuses to zero 512 of them, though the page cache takes them.
        if (fastOnly) {
            return SystemFile.NOT_SUPPORTED;
        }
        long end = offset + lengthBytes;
        long blocksStart = (offset + blockBytes - 1) & -(long) blockBytes;
        long blocksEnd = end & -(long) blockBytes;
        if (blocksStart >= blocksEnd) {
            return writeZeros(offset, lengthBytes);
        }
        int result = writeZeros(offset, blocksStart - offset);
        if (result == 0) {
            result = zeroBlocks(blocksStart, blocksEnd - blocksStart, false);
        }
        return result == 0 ? writeZeros(blocksEnd, end - blocksEnd) : result;
    }

    private int zeroBlocks(long offset, long lengthBytes, boolean fastOnly) {
        if (holes && (holesAreSure || !fastOnly)) {
            int punched = file.punch(offset, lengthBytes);
            if (punched != SystemFile.NOT_SUPPORTED) {
                holesAreSure |= punched == 0;
                return punched;
            }
            holes = false;
        }
        if (fastOnly) {
            return SystemFile.NOT_SUPPORTED;
        }
        if (systemZeroing) {
            int zeroed = file.zeroOut(offset, lengthBytes);
            if (zeroed != SystemFile.NOT_SUPPORTED) {
                return zeroed;
            }
            systemZeroing = false;
        }
        return writeZeros(offset, lengthBytes);
    }

    private int writeZeros(long offset, long lengthBytes) {
        long done = 0;
        while (done < lengthBytes) {
            int piece = (int) Math.min(zeros.capacity(), lengthBytes - done);
            int written = file.write(zeros, 0, piece, offset + done);
            if (written < 0) {
                return written;
            }
            done += piece;
        }
        return 0;
    }
}

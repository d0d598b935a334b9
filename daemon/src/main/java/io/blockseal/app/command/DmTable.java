package io.blockseal.app.command;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.table.RangeWord;
import java.io.IOException;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A volume as the kernel's device mapper can read it, without us: one dm-crypt line for each range that has a key,
 * {@code zero} for those that have none, {@code error} for those that are lost. Everything in a table is counted in
 * sectors of 512 bytes, also the tweak's offset: dm-crypt shifts it by the size of its data unit itself when
 * {@code iv_large_sectors} is set (drivers/md/dm-crypt.c, crypt_convert_block_skcipher).
 *
 * <p>The keys pass through buffers that are wiped. On one thread.
 */
public final class DmTable {
    private static final int SECTOR_SHIFT = 9;
    private static final String DIGITS = "0123456789abcdef";

    private final Volume volume;
    private final KeyArena keys;
    private final String device;
    private final ByteBuffer raw = ByteBuffer.allocateDirect(KeyArena.KEY_BYTES_MAX);
    private final char[] hex = new char[2 * KeyArena.KEY_BYTES_MAX];
    private long keyCount;
    private long lostRanges;

    /** Of a volume whose data lies on {@code device}, and whose DEKs are unwrapped into {@code keys}. */
    public DmTable(Volume volume, KeyArena keys, String device) {
        this.volume = volume;
        this.keys = keys;
        this.device = device;
    }

    /** How many keys were printed. */
    public long keyCount() {
        return keyCount;
    }

    /** How many ranges have an error in their place. */
    public long lostRanges() {
        return lostRanges;
    }

    /** Writes all lines, in the order of the volume; they leave no gap. */
    public void write(Writer out) throws IOException {
        VolumeShape shape = volume.shape();
        try (DekCache cache = volume.openCache()) {
            String pending = "";
            long pendingStart = 0;
            for (long range = 0; range < shape.rangeCount(); range++) {
                long word = volume.word(range);
                int key = RangeWord.state(word) == RangeWord.ACTIVE ? cache.keyFor(range, word) : 0;
                String target = key != 0 ? "crypt" : readsZeros(word) ? "zero" : "error";
                lostRanges += target.equals("error") ? 1 : 0;
                long start = range << shape.rangeShift();
                if (!pending.isEmpty() && !pending.equals(target)) {
                    line(out, pendingStart, start, pending);
                    pending = "";
                }
                if (key != 0) {
                    crypt(out, start, Math.min(start + shape.rangeBytes(), shape.sizeBytes()), word, key);
                } else if (pending.isEmpty()) {
                    pending = target;
                    pendingStart = start;
                }
            }
            if (!pending.isEmpty()) {
                line(out, pendingStart, shape.sizeBytes(), pending);
            }
        }
        out.flush();
    }

    private static boolean readsZeros(long word) {
        return RangeWord.state(word) == RangeWord.NONE || RangeWord.state(word) == RangeWord.SHREDDED;
    }

    private static void line(Writer out, long start, long end, String target) throws IOException {
        out.write(sectors(start) + " " + sectors(end - start) + " " + target + "\n");
    }

    private void crypt(Writer out, long start, long end, long word, int key) throws IOException {
        VolumeShape shape = volume.shape();
        out.write(sectors(start) + " " + sectors(end - start) + " crypt aes-xts-plain64 ");
        try {
            keys.copyOut(key, SecretAccess.PRINT_MAPPING, raw.clear());
            int length = toHex();
            out.write(hex, 0, length);
        } finally {
            wipe();
        }
        keyCount++;
        long physical = shape.physicalOffset(start, RangeWord.slot(word));
        out.write(" " + sectors(start) + " " + device + " " + sectors(physical)
                + (shape.unitBytes() > 1 << SECTOR_SHIFT
                        ? " 2 sector_size:" + shape.unitBytes() + " iv_large_sectors\n"
                        : "\n"));
    }

    private int toHex() {
        raw.flip();
        int at = 0;
        while (raw.hasRemaining()) {
            int value = raw.get() & 0xff;
            hex[at++] = DIGITS.charAt(value >>> 4);
            hex[at++] = DIGITS.charAt(value & 15);
        }
        return at;
    }

    private void wipe() {
        raw.clear();
        while (raw.hasRemaining()) {
            raw.put((byte) 0);
        }
        Arrays.fill(hex, '\0');
    }

    private static long sectors(long bytes) {
        return bytes >> SECTOR_SHIFT;
    }
}

package io.blockseal.fault;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The sparse bytes of one disk: a base that many images share and nobody changes, and what this one changed of it. So
 * ten thousand states of one disk cost no more than their differences. Not safe for threads; {@link FaultStore} is.
 */
final class DiskImage {
    static final int PAGE_BYTES = 4096;

    private static final byte[] ZEROS = new byte[PAGE_BYTES];
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long FIRST = 0x2545_f491_4f6c_dd1dL;
    /** A disk that is erased has many of those. */
    private static final long HASH_OF_ZEROS = hash(ZEROS);

    private final Map<Long, byte[]> base;
    private final Map<Long, byte[]> changed = new HashMap<>();
    private long size;

    /** All zeros. */
    DiskImage(long size) {
        this(Map.of(), size);
    }

    private DiskImage(Map<Long, byte[]> base, long size) {
        this.base = base;
        this.size = size;
    }

    /** An image with the same bytes; changing either leaves the other alone. */
    DiskImage fork() {
        return new DiskImage(frozen(), size);
    }

    private Map<Long, byte[]> frozen() {
        if (changed.isEmpty()) {
            return base;
        }
        Map<Long, byte[]> merged = new HashMap<>(base);
        changed.forEach((page, bytes) -> {
            if (bytes == ZEROS || Arrays.equals(bytes, ZEROS)) {
                merged.remove(page);
            } else {
                merged.put(page, bytes.clone());
            }
        });
        return Map.copyOf(merged);
    }

    long size() {
        return size;
    }

    void grow(long newSize) {
        size = Math.max(size, newSize);
    }

    /** Whether the page was never written, or only with zeros as a whole. */
    boolean isHole(long page) {
        return page(page) == ZEROS;
    }

    void read(long offset, byte[] into, int at, int length) {
        int done = 0;
        while (done < length) {
            int inPage = (int) ((offset + done) % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - inPage, length - done);
            System.arraycopy(page((offset + done) / PAGE_BYTES), inPage, into, at + done, part);
            done += part;
        }
    }

    byte[] read(long offset, int length) {
        byte[] bytes = new byte[length];
        read(offset, bytes, 0, length);
        return bytes;
    }

    /** Like a file, it becomes longer if it has to. */
    void write(long offset, byte[] from, int at, int length) {
        grow(offset + length);
        int done = 0;
        while (done < length) {
            long page = (offset + done) / PAGE_BYTES;
            int inPage = (int) ((offset + done) % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - inPage, length - done);
            System.arraycopy(from, at + done, own(page), inPage, part);
            done += part;
        }
    }

    void zero(long offset, long length) {
        long done = 0;
        while (done < length) {
            long page = (offset + done) / PAGE_BYTES;
            int inPage = (int) ((offset + done) % PAGE_BYTES);
            int part = (int) Math.min(PAGE_BYTES - inPage, length - done);
            if (part == PAGE_BYTES) {
                changed.put(page, ZEROS);
            } else {
                Arrays.fill(own(page), inPage, inPage + part, (byte) 0);
            }
            done += part;
        }
    }

    /** Takes over the pages of the stretch as another image has them. */
    void adopt(DiskImage other, long offset, long length) {
        long end = Math.min(offset + length, Math.max(size, other.size));
        for (long page = offset / PAGE_BYTES; page * PAGE_BYTES < end; page++) {
            if (!Arrays.equals(page(page), other.page(page))) {
                changed.put(page, other.page(page).clone());
            }
        }
    }

    /** Tells two states of one disk apart; equal for the same bytes reached in two ways if the pages touched agree. */
    long fingerprint() {
        long sum = size * 0x9e37_79b9_7f4a_7c15L;
        for (Map.Entry<Long, byte[]> entry : changed.entrySet()) {
            sum += hash(entry.getKey(), entry.getValue());
        }
        return sum;
    }

    /** A hash of all that is there: equal before and after means that nothing was changed. */
    long contentHash() {
        long sum = size * 0x9e37_79b9_7f4a_7c15L;
        for (Map.Entry<Long, byte[]> entry : frozen().entrySet()) {
            sum += hash(entry.getKey(), entry.getValue());
        }
        return sum;
    }

    private static long hash(long page, byte[] bytes) {
        return mix(mix(page + FIRST) ^ (bytes == ZEROS ? HASH_OF_ZEROS : hash(bytes)));
    }

    private static long hash(byte[] bytes) {
        long hash = FIRST;
        for (int i = 0; i < bytes.length; i += Long.BYTES) {
            hash = mix(hash ^ (long) LONGS.get(bytes, i));
        }
        return hash;
    }

    private static long mix(long bits) {
        long product = bits * 0xff51_afd7_ed55_8ccdL;
        return product ^ product >>> 32;
    }

    private byte[] page(long page) {
        byte[] mine = changed.get(page);
        return mine != null ? mine : base.getOrDefault(page, ZEROS);
    }

    /** The page's bytes, to be changed. */
    private byte[] own(long page) {
        byte[] mine = changed.get(page);
        if (mine == null || mine == ZEROS) {
            mine = page(page).clone();
            changed.put(page, mine);
        }
        return mine;
    }
}

package io.blockseal.it;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;

/**
 * What each sector of a volume may hold after its daemon was killed: the last contents that were durable, or any that was
 * sent since. Thread-safe.
 *
 * <p>A sector is 512 bytes and has one change under way at most, so that its contents have an order. Only some windows of
 * the volume are used, far apart, so that first touches of ranges are among what is cut.
 */
final class SectorHistory {
    static final int SECTOR_BYTES = 512;
    static final int WINDOW_SECTORS = 128;
    static final int WINDOW_BYTES = WINDOW_SECTORS * SECTOR_BYTES;

    /** A stretch of sectors that somebody writes, zeroes or reads now. */
    record Claim(int version, int firstSector, int count) {}

    /** Version 0 of every sector, never written. */
    private static final int[] UNWRITTEN = {0};

    private final long seed;
    private final long[] windowOffsets;
    /** For each sector: the versions that it may hold, oldest first; the last is the newest that was sent. */
    private final int[][] possible;

    private final BitSet busy;
    /** Versions that are zeros; all others are noise made from sector and version. */
    private final BitSet zeros = new BitSet();
    /** Ended and not durable yet, in the order of their ends. */
    private final ArrayDeque<Claim> volatileChanges = new ArrayDeque<>();

    private long endedCount;
    private int lastVersion;

    SectorHistory(long seed, long[] windowOffsets) {
        this.seed = seed;
        this.windowOffsets = windowOffsets;
        possible = new int[windowOffsets.length * WINDOW_SECTORS][];
        Arrays.fill(possible, UNWRITTEN);
        busy = new BitSet(possible.length);
        zeros.set(0);
    }

    long offsetOf(int sector) {
        return windowOffsets[sector / WINDOW_SECTORS] + (long) (sector % WINDOW_SECTORS) * SECTOR_BYTES;
    }

    /** Takes a free stretch within one of the first {@code windows} windows. */
    synchronized Claim claim(Random random, int windows, int sectorsMax) {
        while (true) {
            int window = random.nextInt(windows);
            int count = 1 + random.nextInt(Math.min(sectorsMax, WINDOW_SECTORS));
            int first = window * WINDOW_SECTORS + random.nextInt(WINDOW_SECTORS - count + 1);
            int taken = busy.nextSetBit(first);
            if (taken < 0 || taken >= first + count) {
                busy.set(first, first + count);
                return new Claim(0, first, count);
            }
        }
    }

    /** The claimed sectors are about to be changed: to zeros, or to what {@link #contents} gives. */
    synchronized Claim change(Claim claim, boolean toZeros) {
        Claim change = new Claim(++lastVersion, claim.firstSector(), claim.count());
        zeros.set(change.version(), toZeros);
        for (int i = 0; i < change.count(); i++) {
            int[] before = possible[change.firstSector() + i];
            int[] after = Arrays.copyOf(before, before.length + 1);
            after[before.length] = change.version();
            possible[change.firstSector() + i] = after;
        }
        return change;
    }

    /** The change was answered; {@code durable} if with FUA. */
    synchronized void changed(Claim change, boolean durable) {
        release(change);
        if (durable) {
            forgetOlderThan(change);
        } else {
            volatileChanges.add(change);
            endedCount++;
        }
    }

    /** Gives a claim back that changed nothing. */
    synchronized void release(Claim claim) {
        busy.clear(claim.firstSector(), claim.firstSector() + claim.count());
    }

    /** A FLUSH is about to be sent: it covers all that was answered by now. */
    synchronized long flushBegins() {
        return endedCount;
    }

    /** It was answered. */
    synchronized void flushed(long covers) {
        while (endedCount - volatileChanges.size() < covers && !volatileChanges.isEmpty()) {
            forgetOlderThan(volatileChanges.remove());
        }
    }

    private void forgetOlderThan(Claim change) {
        for (int i = 0; i < change.count(); i++) {
            int[] versions = possible[change.firstSector() + i];
            int at = Arrays.binarySearch(versions, change.version());
            if (at > 0) {
                possible[change.firstSector() + i] = Arrays.copyOfRange(versions, at, versions.length);
            }
        }
    }

    /** How many sectors may hold more than one thing. */
    synchronized int undecided() {
        int count = 0;
        for (int[] versions : possible) {
            count += versions.length > 1 ? 1 : 0;
        }
        return count;
    }

    /** What the claimed sectors hold once they have been changed to this version. */
    byte[] contents(Claim change) {
        byte[] all = new byte[change.count() * SECTOR_BYTES];
        for (int i = 0; i < change.count(); i++) {
            write(ByteBuffer.wrap(all, i * SECTOR_BYTES, SECTOR_BYTES), change.firstSector() + i, change.version());
        }
        return all;
    }

    private void write(ByteBuffer target, int sector, int version) {
        target.order(ByteOrder.LITTLE_ENDIAN).putInt(sector).putInt(version);
        long state = seed + sector * 0x9E3779B97F4A7C15L + version * 0xD1B54A32D192ED03L;
        while (target.hasRemaining()) {
            // SplitMix64.
            state += 0x9E3779B97F4A7C15L;
            long z = (state ^ state >>> 30) * 0xBF58476D1CE4E5B9L;
            z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
            target.putLong(z ^ z >>> 31);
        }
    }

    /** While the daemon lives, claimed sectors hold exactly what was sent to them last. */
    synchronized void requireNewest(Claim claim, byte[] got) {
        for (int i = 0; i < claim.count(); i++) {
            int[] versions = possible[claim.firstSector() + i];
            int newest = versions[versions.length - 1];
            if (!holds(got, i, claim.firstSector() + i, newest)) {
                throw new AssertionError(describe("reads", claim.firstSector() + i, got, i));
            }
        }
    }

    /**
     * After a restart: every sector of the window holds something that it may hold, and from now on that is what it
     * holds.
     */
    synchronized void settle(int window, byte[] got) {
        for (int i = 0; i < WINDOW_SECTORS; i++) {
            int sector = window * WINDOW_SECTORS + i;
            int[] versions = possible[sector];
            int at = versions.length - 1;
            while (at >= 0 && !holds(got, i, sector, versions[at])) {
                at--;
            }
            if (at < 0) {
                throw new AssertionError(describe("after the kill reads", sector, got, i));
            }
            possible[sector] = new int[] {versions[at]};
        }
    }

    /** Nothing is under way any more: the daemon is dead. */
    synchronized void daemonIsDead() {
        busy.clear();
        volatileChanges.clear();
    }

    private boolean holds(byte[] got, int index, int sector, int version) {
        byte[] expected = new byte[SECTOR_BYTES];
        if (!zeros.get(version)) {
            write(ByteBuffer.wrap(expected), sector, version);
        }
        int from = index * SECTOR_BYTES;
        return Arrays.equals(got, from, from + SECTOR_BYTES, expected, 0, SECTOR_BYTES);
    }

    private String describe(String verb, int sector, byte[] got, int index) {
        ByteBuffer words = ByteBuffer.wrap(got).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder allowed = new StringBuilder();
        for (int version : possible[sector]) {
            allowed.append(' ').append(version).append(zeros.get(version) ? "(zeros)" : "");
        }
        return "sector " + sector + " at offset " + offsetOf(sector) + " " + verb + " what begins with sector="
                + words.getInt(index * SECTOR_BYTES) + " version=" + words.getInt(index * SECTOR_BYTES + 4)
                + "; allowed versions:" + allowed;
    }
}

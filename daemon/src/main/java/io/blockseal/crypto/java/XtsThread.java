package io.blockseal.crypto.java;

import io.blockseal.crypto.XtsEngine;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What one thread needs to run XTS without allocating: its schedules of recently used keys, and scratch.
 *
 * <p>Only the owner fills a place; whoever frees a key may empty one. An emptied place costs its owner a new schedule,
 * nothing worse.
 */
final class XtsThread {
    /** A power of two; a full table is about 2.5 MB. */
    private static final int SCHEDULE_COUNT = 512;

    static final int BATCH_BYTES = XtsEngine.UNIT_BYTES_MAX;
    static final int TWEAK_COUNT = 32;

    final byte[] in = new byte[BATCH_BYTES];
    final byte[] mask = new byte[BATCH_BYTES];
    final byte[] out = new byte[BATCH_BYTES];
    final byte[] numbers = new byte[TWEAK_COUNT * XtsEngine.BLOCK_BYTES];
    final byte[] tweaks = new byte[TWEAK_COUNT * XtsEngine.BLOCK_BYTES];

    private final AtomicReferenceArray<@Nullable XtsSchedule> schedules = new AtomicReferenceArray<>(SCHEDULE_COUNT);

    /** The owner's schedule of this key, made if it is not there. */
    XtsSchedule scheduleOf(HeapKey key) {
        int place = placeOf(key);
        XtsSchedule schedule = schedules.get(place);
        if (schedule == null) {
            schedule = new XtsSchedule();
            schedule.rekey(key);
            schedules.set(place, schedule);
        } else if (!schedule.isOf(key)) {
            schedule.rekey(key);
        }
        return schedule;
    }

    /** Drops the key's schedule if it is here. From any thread. */
    void drop(HeapKey key) {
        int place = placeOf(key);
        XtsSchedule schedule = schedules.get(place);
        if (schedule != null && schedule.key() == key) {
            schedules.compareAndSet(place, schedule, null);
        }
    }

    private static int placeOf(HeapKey key) {
        return key.handle() & (SCHEDULE_COUNT - 1);
    }
}

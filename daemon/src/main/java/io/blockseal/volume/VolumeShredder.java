package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Destroys the DEKs of ranges, so that what they held is gone whoever has the disk and the volume key. The ranges read as
 * zeros from then on and get new DEKs when they are written to.
 *
 * <p>Guests may use the volume meanwhile: the ranges are held until their DEKs are gone, from the metadata and from the
 * caches of all loops. A power cut at any moment leaves a range as it was or shredded, never anything else
 * (docs/format.md, "Shredding"). On any thread but a loop's and a keeper's.
 */
public final class VolumeShredder {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeShredder.class);
    private static final long TURN_SECONDS = 5;
    private static final int ROUNDS_MAX = 4;
    private static final int CHUNKS_WHILE_HELD = 16;
    private static final byte[] NO_DEK = new byte[TableEntry.WRAPPED_DEK_BYTES];

    private final Volume volume;
    private final long first;
    private final long count;
    /** Shreds only if, once the range is held, what was written to it last is zeros; null to shred in any case. */
    private final @Nullable Emptiness emptiness;

    private final List<Long> slots = new ArrayList<>();
    private final HeldRanges held;

    /** Whether a range that is held holds nothing. */
    private interface Emptiness {
        boolean holds() throws StoreException;
    }

    private VolumeShredder(Volume volume, long first, long count, Patience patience, @Nullable Emptiness emptiness) {
        this.volume = volume;
        this.first = first;
        this.count = count;
        this.emptiness = emptiness;
        this.held = new HeldRanges(volume, first, count, patience, this::isShredded);
    }

    /**
     * Shreds {@code count} ranges from {@code firstRange} on, all of them in one commit. Those that have no DEK stay as
     * they are.
     *
     * @return how many DEKs were destroyed
     * @throws VolumeRefusedException if a range does not exist or its entry cannot be read; nothing was changed
     * @throws StoreException if the store failed; if the message says so, the ranges are shredded but old copies of
     *     their wrapped DEKs may be left until the volume is opened again
     */
    public static int shred(Volume volume, long firstRange, long count) throws StoreException, VolumeRefusedException {
        return shred(volume, firstRange, count, Patience.TWENTY_SECONDS);
    }

    /** The same, waiting for the requests under way as {@code patience} has it. */
    public static int shred(Volume volume, long firstRange, long count, Patience patience)
            throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        if (!volume.allowsShredding()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, volume.name() + ": is served with shredding switched off; nothing was changed");
        }
        if (firstRange < 0 || count < 1 || firstRange > volume.shape().rangeCount() - count) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": has the ranges 0 to " + (volume.shape().rangeCount() - 1) + ", not all of "
                            + count + " from " + firstRange);
        }
        volume.takeTurnSoon();
        try {
            VolumeShredder shredder = new VolumeShredder(volume, firstRange, count, patience, null);
            shredder.shredHeld();
            return shredder.slots.size();
        } finally {
            volume.rangeChanges().release();
        }
    }

    /**
     * Shreds the range if it holds no data. What is there is read while guests go on; the range is held only to look at
     * what they have changed meanwhile, and for the commit.
     *
     * @return whether it was shredded
     */
    static boolean shredIfEmpty(Volume volume, long range, SlotContent content, Patience patience)
            throws StoreException, VolumeRefusedException {
        volume.requireUnlocked();
        requireTurn(volume);
        try {
            long word = volume.word(range);
            if (RangeWord.state(word) != RangeWord.ACTIVE) {
                return false;
            }
            long offset = volume.shape().physicalOffset(0, RangeWord.slot(word));
            long bytes = volume.shape().rangeBytes();
            WrittenChunks written = new WrittenChunks(offset, bytes);
            // Noted before anything is read: what a guest writes from now on is looked at again.
            volume.noteWrites(written);
            // More than once if guests go on discarding: what is left is read while they are held.
            for (int round = 0; round < ROUNDS_MAX && written.count() > CHUNKS_WHILE_HELD; round++) {
                if (!content.isZero(written, offset, bytes)) {
                    return false;
                }
            }
            VolumeShredder shredder =
                    new VolumeShredder(volume, range, 1, patience, () -> content.isZero(written, offset, bytes));
            shredder.shredHeld();
            return !shredder.slots.isEmpty();
        } finally {
            volume.noteWrites(null);
            volume.rangeChanges().release();
        }
    }

    /** Nobody waits for what this is for, and whoever has the turn may have it for long: a slow rotation, a lock. */
    private static void requireTurn(Volume volume) throws VolumeRefusedException {
        boolean mine = false;
        try {
            mine = volume.rangeChanges().tryAcquire(TURN_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!mine) {
            throw new VolumeRefusedException(
                    Reason.NOT_WRITABLE, volume.name() + ": other ranges are being changed, or it is locked");
        }
    }

    private void shredHeld() throws StoreException, VolumeRefusedException {
        held.hold();
        try (held) {
            if (emptiness == null || emptiness.holds()) {
                held.change(this::shredAlone);
            }
        } catch (StoreException | VolumeRefusedException e) {
            if (held.haveChanged()) {
                // Not zeroed before they are used again: a root that names them may still be the only one left.
                volume.committer().releaseWhenWhole(slots);
            }
            throw e;
        } finally {
            if (held.haveChanged()) {
                count();
            }
        }
        giveBack();
    }

    private void count() {
        if (emptiness == null) {
            volume.keyChanges().shreddedByOperators(slots.size());
        } else {
            volume.keyChanges().shreddedByDiscards(slots.size());
        }
    }

    private boolean isShredded() {
        for (long range = first; range < first + count; range++) {
            if (RangeWord.state(volume.word(range)) == RangeWord.ACTIVE) {
                return false;
            }
        }
        return true;
    }

    private void shredAlone() throws StoreException, CommitFailedException, VolumeRefusedException {
        requireNoneLost();
        RootBlock next = volume.root().copy();
        TreeMap<Integer, TablePage> pages = new TreeMap<>();
        for (long range = first; range < first + count; range++) {
            long word = volume.word(range);
            TablePage current = volume.table().page(TablePage.pageOf(range));
            if (RangeWord.state(word) == RangeWord.ACTIVE && current != null) {
                TablePage page = pages.computeIfAbsent(
                        current.index(), index -> volume.keys().forChange(current));
                page.entry(TablePage.entryOf(range), shredded(word, next.commitSeq() + 1));
                slots.add(RangeWord.slot(word));
            }
        }
        if (slots.isEmpty()) {
            return;
        }
        held.commitAndScrub(next, pages.values(), this::tell);
    }

    private void requireNoneLost() throws VolumeRefusedException {
        for (long range = first; range < first + count; range++) {
            if (RangeWord.state(volume.word(range)) == RangeWord.LOST) {
                throw new VolumeRefusedException(
                        Reason.UNSUITABLE,
                        volume.name() + ": the table entry of range " + range + " is damaged; nothing was changed");
            }
        }
    }

    private void tell() {
        LOG.info("volume={} range={} count={} destroyed={}: shredded", volume.logName(), first, count, slots.size());
        AuditLog.record(
                AuditEvent.RANGES_SHREDDED,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("first-range", first),
                AuditField.of("count", count),
                AuditField.of("destroyed", slots.size()),
                volume.mirrorField());
    }

    /** Keeps the generation, which is never used twice. */
    private static TableEntry shredded(long word, long commitSeq) {
        return new TableEntry(
                TableEntry.SHREDDED, 0, RangeWord.generation(word), 0, 0, (int) commitSeq, 0, NO_DEK.clone());
    }

    /**
     * Gives the space back, only now: with the DEK still on the disk, a cut would leave a range that reads as half of
     * what it was. Guests may have the slots at once, whatever is still to be zeroed: a range that takes one zeroes it.
     * Were all of them kept until the last is zeroed, guests who write meanwhile would be told that the volume is full.
     */
    private void giveBack() {
        if (slots.isEmpty()) {
            return;
        }
        volume.committer().releaseWhenWhole(slots);
        try {
            for (long slot : slots) {
                zeroIfFree(slot);
            }
            volume.stores().data().flush();
        } catch (StoreException | VolumeRefusedException e) {
            LOG.warn(
                    "volume={}: the space of shredded ranges was not given back: {}", volume.logName(), e.getMessage());
        }
    }

    private void zeroIfFree(long slot) throws StoreException, VolumeRefusedException {
        boolean[] taken = new boolean[1];
        volume.committer().runAlone(() -> taken[0] = volume.committer().takeSlot(slot));
        if (!taken[0]) {
            return;
        }
        try {
            VolumeShape shape = volume.shape();
            volume.stores().data().zero(shape.physicalOffset(0, slot), shape.rangeBytes());
        } finally {
            volume.committer().releaseWhenWhole(List.of(slot));
        }
    }
}

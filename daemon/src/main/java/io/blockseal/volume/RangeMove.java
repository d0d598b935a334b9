package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.MetadataCommitter;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.table.RangeWord;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One range on its way to another slot and under a new DEK, while guests use it (docs/format.md, "Rotation"): the slot,
 * the keys, the one commit, and what is to be cleared away. Somebody else copies the data in between.
 *
 * <p>Until the commit all that guests write goes to the old slot, and after it to the new one, so a power cut at any
 * moment leaves one of the two, whole. What lies in the new slot before is junk that no entry names.
 *
 * <p>In order: {@link #begin}, copy what {@link #chunks} says until little is left, {@link #hold}, copy the rest,
 * {@link #commit}, {@link #close}. {@code close} alone gives up. On one thread, not a loop's and not a keeper's.
 */
public final class RangeMove implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RangeMove.class);
    private static final int DEK_BYTES = 64;

    private final Volume volume;
    private final long range;
    private final BlockStore data;
    private final Home from;
    private final long toSlot;
    private final Secret oldDek;
    private final Secret newDek;
    private final WrittenChunks chunks;
    private final long losses;
    private final HeldRanges held;
    private long encipheredBytes;
    private boolean durableInAllCopies;

    /** Where the range lies and under which of its DEKs. */
    private record Home(long slot, int generation) {}

    private RangeMove(Volume volume, long range, Patience patience, Home from, long toSlot, Secret oldDek) {
        this.volume = volume;
        this.range = range;
        this.data = volume.stores().data();
        this.from = from;
        this.toSlot = toSlot;
        this.oldDek = oldDek;
        this.chunks = new WrittenChunks(fromOffset(), volume.shape().rangeBytes());
        this.losses = data.lossCount();
        this.held = new HeldRanges(volume, range, 1, patience, this::isAtNewSlot);
        // Last: if anything before it breaks, nobody is there to wipe it.
        this.newDek = Secret.random(volume.engine().keys(), DEK_BYTES);
    }

    /**
     * Takes a free slot, which reads as zeros when this returns, and makes the new DEK. From now on changes of the range
     * are noted in {@link #chunks}.
     *
     * @throws VolumeRefusedException if the range has no DEK, or no slot is free
     * @throws StoreException if the storage failed, or the DEK cannot be unwrapped
     */
    public static RangeMove begin(Volume volume, long range, Patience patience)
            throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        if (range < 0 || range >= volume.shape().rangeCount()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": has the ranges 0 to " + (volume.shape().rangeCount() - 1) + ", no range "
                            + range);
        }
        if (volume.hasLostPages()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name()
                            + ": pages of its table are damaged in every copy, and nobody could tell any more where"
                            + " the data of their ranges is. Restore the metadata from a backup first.");
        }
        volume.takeTurn();
        RangeMove move = null;
        try {
            move = prepared(volume, range, patience);
            // Noted before anything is read: whatever a guest changes from now on is copied again.
            volume.noteWrites(move.chunks);
            move.data.zero(move.toOffset(), volume.shape().rangeBytes());
            return move;
        } catch (StoreException | VolumeRefusedException | RuntimeException | Error e) {
            if (move == null) {
                volume.rangeChanges().release();
            } else {
                move.close();
            }
            throw e;
        }
    }

    private static RangeMove prepared(Volume volume, long range, Patience patience)
            throws StoreException, VolumeRefusedException {
        RangeMove[] made = new RangeMove[1];
        volume.committer().runAlone(() -> made[0] = preparedAlone(volume, range, patience));
        return made[0];
    }

    private static RangeMove preparedAlone(Volume volume, long range, Patience patience)
            throws StoreException, CommitFailedException, VolumeRefusedException {
        TablePage page = pageOf(volume, range);
        int entry = TablePage.entryOf(range);
        Secret dek = volume.keys().unwrapDek(page, range);
        if (dek == null) {
            throw new StoreException(
                    Errno.EIO,
                    volume.name() + ": the table entry of range " + range
                            + " is damaged: its DEK cannot be unwrapped; nothing was changed");
        }
        long slot = -1;
        boolean made = false;
        try {
            slot = takeSlot(volume);
            Home from = new Home(page.slot(entry), page.generation(entry));
            RangeMove move = new RangeMove(volume, range, patience, from, slot, dek);
            made = true;
            return move;
        } finally {
            if (!made) {
                dek.close();
                if (slot >= 0) {
                    volume.committer().release(slot);
                }
            }
        }
    }

    private static TablePage pageOf(Volume volume, long range) throws VolumeRefusedException {
        int state = RangeWord.state(volume.word(range));
        TablePage page = volume.table().page(TablePage.pageOf(range));
        if (state != RangeWord.ACTIVE || page == null) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": range " + range
                            + (state == RangeWord.LOST ? " is lost: its table entry is damaged" : " has no DEK"));
        }
        return page;
    }

    private static long takeSlot(Volume volume) throws CommitFailedException, VolumeRefusedException {
        MetadataCommitter committer = volume.committer();
        long slot = committer.takeSpareSlot();
        if (slot < 0) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": no slot is free to copy a range to; shred a range or resize the volume first");
        }
        if (volume.root().relocated()) {
            return slot;
        }
        try {
            // Before anything is written there: a copy that is cut short leaves data in a slot that nobody names, and
            // no
            // range that is new may take it for untouched.
            committer.commitRoot(volume.root().copy().markRelocated());
            return slot;
        } catch (CommitFailedException | RuntimeException | Error e) {
            committer.release(slot);
            throw e;
        }
    }

    /** What has to be copied: everything at first, then what guests have changed since. */
    public WrittenChunks chunks() {
        return chunks;
    }

    /** Where ciphertext and its copy lie. */
    public BlockStore store() {
        return data;
    }

    /** The data cipher. */
    public XtsEngine xts() {
        return volume.xts();
    }

    /** Sizes of the volume. */
    public VolumeShape shape() {
        return volume.shape();
    }

    /** Where the old slot begins on the store. */
    public long fromOffset() {
        return volume.shape().physicalOffset(0, from.slot());
    }

    /** Where the new slot begins on the store. */
    public long toOffset() {
        return volume.shape().physicalOffset(0, toSlot);
    }

    /** Number of the range's first data unit, for tweaks. */
    public long firstUnit() {
        return range * (volume.shape().rangeBytes() / volume.shape().unitBytes());
    }

    /** Handle of the DEK of the old slot; until {@link #close}. */
    public int oldDek() {
        return oldDek.key();
    }

    /** Handle of the DEK of the new slot; until {@link #close}. */
    public int newDek() {
        return newDek.key();
    }

    /** So much was enciphered under the new DEK. */
    public void enciphered(long bytes) {
        encipheredBytes += bytes;
    }

    /**
     * Holds the range: when this returns, no request to it is under way, and new ones wait until {@link #close}. What
     * {@link #chunks} says now is all that is left.
     *
     * @throws StoreException if requests do not end, as the storage does not answer; nothing is held then
     */
    public void hold() throws StoreException {
        held.hold();
    }

    /**
     * Makes the copy durable and the range's new home. When it returns normally the old DEK is gone from the metadata.
     *
     * @throws StoreException if the storage failed. If {@link #moved} then says so, the commit stands and only old copies
     *     of the wrapped DEK may be left, until the storage is well again
     */
    public void commit() throws StoreException, VolumeRefusedException {
        if (!held.isHeld() || chunks.count() > 0) {
            throw new IllegalStateException("range " + range + " is not copied");
        }
        data.flush();
        if (data.lossCount() != losses) {
            throw new StoreException(
                    Errno.EIO,
                    data.name() + ": a flush failed while range " + range + " was copied; it stays where it was");
        }
        held.change(this::commitAlone);
        durableInAllCopies = true;
    }

    private void commitAlone() throws StoreException, CommitFailedException {
        RootBlock next = volume.root().copy().markRelocated();
        TablePage current = volume.table().page(TablePage.pageOf(range));
        if (current == null) {
            throw new IllegalStateException("range " + range + " lost its page while it was held");
        }
        TablePage page = volume.keys().forChange(current);
        int entry = TablePage.entryOf(range);
        page.entry(
                entry,
                new TableEntry(
                        TableEntry.ACTIVE,
                        RootBlock.SUITE_AES_256_XTS,
                        from.generation() + 1,
                        toSlot,
                        (int) volume.clock().instant().getEpochSecond(),
                        (int) (next.commitSeq() + 1),
                        encipheredBytes,
                        new byte[TableEntry.WRAPPED_DEK_BYTES]));
        volume.keys().wrapDek(range, from.generation() + 1, toSlot, newDek, page.wrappedDek(entry));
        held.commitAndScrub(next, List.of(page), () -> {});
    }

    private boolean isAtNewSlot() {
        long word = volume.word(range);
        return RangeWord.state(word) == RangeWord.ACTIVE && RangeWord.slot(word) == toSlot;
    }

    /** Whether the range has moved. */
    public boolean moved() {
        return held.haveChanged();
    }

    /** Lets guests go on, wipes the keys, and gives back the slot that is not needed any more. */
    @Override
    public void close() {
        try {
            volume.noteWrites(null);
            oldDek.close();
            newDek.close();
            held.close();
            if (!held.areInDoubt()) {
                giveBack(moved() ? from.slot() : toSlot, !moved() || durableInAllCopies);
            }
        } finally {
            volume.rangeChanges().release();
        }
    }

    /**
     * A slot that is not zeroed loses nothing, for it is zeroed again before a range gets it. The old one must not be
     * while a root that names it may be the only one left; and where it takes long, whoever wants the keys out of memory
     * does not wait for it.
     */
    private void giveBack(long slot, boolean zero) {
        try {
            if (zero && (data.geometry().canFastZero() || !volume.isLockedOrAboutTo())) {
                data.zero(volume.shape().physicalOffset(0, slot), volume.shape().rangeBytes());
            }
        } catch (StoreException e) {
            LOG.warn("volume={}: the space of slot {} was not given back: {}", volume.logName(), slot, e.getMessage());
        }
        volume.committer().releaseWhenWhole(List.of(slot));
    }

    /** Not for keys: what this is about. */
    @Override
    public String toString() {
        return volume.name() + " range " + range + ": slot " + from.slot() + " to " + toSlot;
    }
}

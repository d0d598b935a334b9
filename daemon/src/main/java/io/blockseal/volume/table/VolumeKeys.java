package io.blockseal.volume.table;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a volume, of every epoch that some of its metadata may be of: one as a rule; two while the volume key is
 * rotated. Which of them belongs to a root or a page, its own epoch says. From any thread until closed; only one keeper
 * changes which epochs there are.
 */
public final class VolumeKeys implements AutoCloseable {
    /** {@code other} is the one before while a rotation is under way, and the next while it is being begun. */
    private record InUse(EpochKeys current, @Nullable EpochKeys other) {}

    private final CryptoEngine engine;
    private final byte[] uuid;
    private final DraftPages drafts = new DraftPages();
    private volatile InUse inUse;

    private VolumeKeys(CryptoEngine engine, byte[] uuid, EpochKeys current) {
        this.engine = engine;
        this.uuid = uuid;
        this.inUse = new InUse(current, null);
    }

    /** Derives the keys of one epoch; the caller wipes the volume key. */
    public static VolumeKeys derive(CryptoEngine engine, byte[] uuid, int epoch, Secret volumeKey) {
        return new VolumeKeys(engine, uuid.clone(), EpochKeys.derive(engine, uuid, epoch, volumeKey));
    }

    /**
     * Adds the keys of the epoch before, if {@code root} says that a rotation is under way.
     *
     * @param root one whose MAC is right
     * @param volumeKey the current one
     * @throws MalformedVolumeException if the key that the root carries is not wrapped under the current one
     */
    public void takePrevious(RootBlock root, Secret volumeKey) throws MalformedVolumeException {
        if (!root.rotating()) {
            return;
        }
        try (Secret previous = Secret.empty(engine.keys())) {
            if (!engine.wrap().unwrapKwp(volumeKey.key(), root.previousKey(), previous.key())) {
                throw new MalformedVolumeException(
                        root.block(), "previous volume key", "does not unwrap under the current one");
            }
            EpochKeys current = inUse.current();
            inUse = new InUse(current, EpochKeys.derive(engine, uuid, current.epoch() - 1, previous));
        }
    }

    /** Adds the keys of the next epoch, before a root is written that names it. On the keeper. */
    public EpochKeys prepareNext(Secret volumeKey) {
        InUse before = inUse;
        EpochKeys next = EpochKeys.derive(engine, uuid, before.current().epoch() + 1, volumeKey);
        inUse = new InUse(before.current(), next);
        close(before.other());
        return next;
    }

    /** Does as the root says that is in force: which epoch is the current one, and whether the other is wanted. On the keeper. */
    public void follow(RootBlock root) {
        InUse before = inUse;
        EpochKeys current = require(root.vkEpoch());
        EpochKeys other = current == before.current() ? before.other() : before.current();
        if (root.rotating() || other == null) {
            inUse = new InUse(current, other);
        } else {
            // A loop that looks at a page of that epoch just now finds it replaced, and looks again.
            inUse = new InUse(current, null);
            other.close();
        }
    }

    /** Those under which everything new is wrapped and sealed. */
    public EpochKeys current() {
        return inUse.current();
    }

    /** Those of an epoch, or null if nothing of it counts. */
    @Nullable
    EpochKeys of(int epoch) {
        InUse now = inUse;
        if (now.current().epoch() == epoch) {
            return now.current();
        }
        EpochKeys other = now.other();
        return other != null && other.epoch() == epoch ? other : null;
    }

    private EpochKeys require(int epoch) {
        EpochKeys keys = of(epoch);
        if (keys == null) {
            throw new IllegalStateException("there are no keys of epoch " + epoch);
        }
        return keys;
    }

    /** The tag by which anybody recognises the current volume key for this volume. */
    public byte[] identityTag() {
        return current().identityTag();
    }

    /** That of the volume key before, while a rotation is under way; else null. */
    public byte @Nullable [] previousIdentityTag() {
        InUse now = inUse;
        EpochKeys other = now.other();
        return other == null || other.epoch() > now.current().epoch() ? null : other.identityTag();
    }

    /** By the MAC key of the root's epoch. */
    public byte[] mac(RootBlock root) {
        return require(root.vkEpoch()).mac(root);
    }

    /** Compares in constant time. */
    public boolean verifies(RootBlock root) {
        EpochKeys keys = of(root.vkEpoch());
        return keys != null && keys.verifies(root);
    }

    /** By the MAC key of the page's epoch. */
    public byte[] mac(TablePage page) {
        return require(page.vkEpoch()).mac(page);
    }

    /** Compares in constant time. */
    public boolean verifies(TablePage page) {
        EpochKeys keys = of(page.vkEpoch());
        return keys != null && keys.verifies(page);
    }

    /** What a page adds to the root's table_root, by XOR. */
    public byte[] tableTerm(TablePage page) {
        return require(page.vkEpoch()).tableTerm(page);
    }

    /** A new array for {@link EpochKeys#bindDek}. */
    public byte[] newAad() {
        return current().newAad();
    }

    /** An empty page of the current epoch, to be changed; it is among {@link #drafts}. */
    TablePage freshPage(int index) {
        return drafts.take(TablePage.fresh(index, current().epoch()));
    }

    /** What {@link #freshPage} and {@link #forChange} gave out since it was settled last. */
    public DraftPages drafts() {
        return drafts;
    }

    /**
     * A copy of a page, to be changed: of the current epoch, whatever the page was of. A DEK that cannot be unwrapped
     * stays as it is, for its range fails before and after. It is among {@link #drafts}.
     */
    public TablePage forChange(TablePage page) {
        TablePage copy = drafts.take(page.copy());
        EpochKeys to = current();
        if (page.vkEpoch() != to.epoch()) {
            rewrap(copy, require(page.vkEpoch()), to);
        }
        return copy;
    }

    private void rewrap(TablePage page, EpochKeys from, EpochKeys to) {
        byte[] aad = newAad();
        try (Secret dek = Secret.empty(engine.keys())) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                long range = TablePage.firstRange(page.index()) + i;
                if (page.state(i) == TableEntry.ACTIVE) {
                    ByteBuffer wrapped = page.wrappedDek(i);
                    EpochKeys.bindDek(aad, range, page.generation(i), page.slot(i));
                    if (from.unwrapDek(range, page.generation(i), aad, wrapped, 0, dek.key())) {
                        to.wrapDek(range, page.generation(i), aad, dek, wrapped);
                    }
                }
            }
        }
        page.vkEpoch(to.epoch());
    }

    /**
     * Makes a DEK and wraps it into {@code wrapped}, for a page of the current epoch; the DEK itself is gone when this
     * returns.
     */
    void wrapNewDek(long rangeIndex, int generation, long slot, ByteBuffer wrapped) {
        current().wrapNewDek(rangeIndex, generation, slot, wrapped);
    }

    /**
     * Wraps a DEK into {@code wrapped}, for a page of the current epoch, bound to its place. On the keeper, in the task that
     * commits the page: between two tasks the volume key may be rotated.
     */
    public void wrapDek(long rangeIndex, int generation, long slot, Secret dek, ByteBuffer wrapped) {
        byte[] aad = newAad();
        EpochKeys.bindDek(aad, rangeIndex, generation, slot);
        current().wrapDek(rangeIndex, generation, aad, dek, wrapped);
    }

    /** The DEK of a range's entry on {@code page}, or null if it was altered. */
    @Nullable
    public Secret unwrapDek(TablePage page, long rangeIndex) {
        int entry = TablePage.entryOf(rangeIndex);
        byte[] aad = newAad();
        EpochKeys.bindDek(aad, rangeIndex, page.generation(entry), page.slot(entry));
        Secret dek = Secret.empty(engine.keys());
        if (!unwrapDek(page, rangeIndex, page.generation(entry), aad, dek.key())) {
            dek.close();
            return null;
        }
        return dek;
    }

    /**
     * Unwraps into the handle {@code dek} what {@code page} holds for a range; false if the entry was altered, or if nothing
     * of the page's epoch counts. Allocates nothing.
     */
    public boolean unwrapDek(TablePage page, long rangeIndex, int generation, byte[] aad, int dek) {
        EpochKeys keys = of(page.vkEpoch());
        int offset = TablePage.wrappedDekOffset(TablePage.entryOf(rangeIndex));
        return keys != null && keys.unwrapDek(rangeIndex, generation, aad, page.bytes(), offset, dek);
    }

    /** Whether two entries of a range, each of whatever epoch, hold one DEK in two wrappings. */
    public boolean wrapSameDek(long rangeIndex, TableEntry one, TableEntry two) {
        try (Secret first = Secret.empty(engine.keys());
                Secret second = Secret.empty(engine.keys())) {
            return unwrapsInSomeEpoch(rangeIndex, one, first)
                    && unwrapsInSomeEpoch(rangeIndex, two, second)
                    && engine.keys().same(first.key(), second.key());
        }
    }

    private boolean unwrapsInSomeEpoch(long rangeIndex, TableEntry entry, Secret dek) {
        InUse now = inUse;
        byte[] aad = newAad();
        EpochKeys.bindDek(aad, rangeIndex, entry.generation(), entry.slot());
        ByteBuffer wrapped = ByteBuffer.wrap(entry.wrappedDek());
        return now.current().unwrapDek(rangeIndex, entry.generation(), aad, wrapped, 0, dek.key())
                || (now.other() != null
                        && now.other().unwrapDek(rangeIndex, entry.generation(), aad, wrapped, 0, dek.key()));
    }

    /** Takes the place of keys that were closed; those then belong to this. On the keeper. */
    public void replaceBy(VolumeKeys fresh) {
        inUse = fresh.inUse;
    }

    @Override
    public void close() {
        InUse now = inUse;
        now.current().close();
        close(now.other());
    }

    private static void close(@Nullable EpochKeys keys) {
        if (keys != null) {
            keys.close();
        }
    }
}

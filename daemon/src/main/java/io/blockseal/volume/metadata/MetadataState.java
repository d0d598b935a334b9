package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.KeyChanges;
import io.blockseal.store.StoreException;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.RangeCensus;
import io.blockseal.volume.table.TableRoot;
import io.blockseal.volume.table.VolumeKeys;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The metadata as it is on disk, and the one way of changing it: docs/format.md, "Commit". Used by one keeper at a time.
 *
 * <p>Between commits both copies of everything are equal. While a commit is being written, the copy that is known to be
 * durable (the <em>firm</em> one) stays untouched until the new one is durable in its turn.
 */
public final class MetadataState {
    /**
     * What opening or recovering found.
     *
     * @param diskRoot the root as every copy on disk has it
     * @param root what the next commit starts from: the same, or with a correction that it will carry
     * @param area the key slots in force
     * @param lostPages pages of which no copy is left
     */
    public record Found(RootBlock diskRoot, RootBlock root, KeySlotArea area, Collection<Integer> lostPages) {}

    /** A commit of which nobody knows whether it happened. */
    record Attempt(RootBlock root, KeySlotArea area, List<TablePage> pages) {}

    private final MetadataCopies store;
    private final VolumeKeys keys;
    private final DekTable table;
    private final KeyChanges keyChanges = new KeyChanges();
    private final BitSet firmPageIsB = new BitSet();
    private final Set<Integer> lostPages;
    /** Written by the keeper, looked at from anywhere. */
    private volatile RootBlock root;

    private RootBlock diskRoot;
    private volatile KeySlotArea area;
    private int firmRoot;
    private @Nullable Attempt attempt;

    /** What was found on the stores, as they have it. */
    public MetadataState(MetadataCopies store, VolumeKeys keys, DekTable table, Found found) {
        this.store = store;
        this.keys = keys;
        this.table = table;
        this.diskRoot = found.diskRoot();
        this.root = found.root();
        this.area = found.area();
        this.lostPages = Set.copyOf(found.lostPages());
    }

    /** What the last commit wrote; not to be changed. */
    public RootBlock root() {
        return root;
    }

    /** The root that all copies on disk were made equal to, or that the last commit wrote. */
    public RootBlock diskRoot() {
        return diskRoot;
    }

    /** The key slots in force. */
    public KeySlotArea area() {
        return area;
    }

    /** The commit whose outcome is not known, or null. */
    @Nullable
    Attempt attempt() {
        return attempt;
    }

    /** Where the metadata lies. */
    public MetadataCopies store() {
        return store;
    }

    VolumeKeys keys() {
        return keys;
    }

    DekTable table() {
        return table;
    }

    /** What commits did to keys. From any thread. */
    public KeyChanges keyChanges() {
        return keyChanges;
    }

    /** Whether there are pages of which nobody knows what they held. */
    public boolean hasLostPages() {
        return !lostPages.isEmpty();
    }

    /** Whether nobody knows what the page held; what lies there is left alone. */
    public boolean isLost(int pageIndex) {
        return lostPages.contains(pageIndex);
    }

    /** All copies on disk are equal now, and hold the state in memory: what was attempted is gone, or has happened. */
    void recovered(boolean attemptHappened) {
        Attempt tried = attempt;
        attempt = null;
        if (tried != null && attemptHappened) {
            root = tried.root();
            diskRoot = tried.root();
            area = tried.area();
            tried.pages().forEach(this::publish);
        } else if (tried != null) {
            tried.pages().forEach(TablePage::wipeDeks);
        }
        keys.follow(root);
        firmPageIsB.clear();
        firmRoot = 0;
    }

    /** After each deed of the keeper: wipes every page that was taken to be changed and is neither in force nor in doubt. */
    void wipeDropped() {
        Attempt tried = attempt;
        keys.drafts()
                .settle(page -> table.page(page.index()) == page
                        || (tried != null && tried.pages().contains(page)));
    }

    /** At the end, when nobody will find out any more: wipes the pages of a commit that is in doubt. */
    void wipeAttempt() {
        Attempt tried = attempt;
        if (tried != null) {
            tried.pages().forEach(TablePage::wipeDeks);
        }
    }

    /** How far a failed commit got, which decides what may be done after it. */
    enum Failure {
        /** Nothing of it is on disk that a later commit could bring to life. */
        UNDONE,
        /** The disk may hold pieces, or even all of it: no commit may follow until the volume is opened anew. */
        UNKNOWN
    }

    /** A commit that did not succeed. */
    public static final class CommitFailedException extends Exception {
        private final Failure failure;
        private final StoreException reason;

        CommitFailedException(Failure failure, StoreException reason) {
            super(reason.getMessage(), reason);
            this.failure = failure;
            this.reason = reason;
        }

        Failure failure() {
            return failure;
        }

        StoreException reason() {
            return reason;
        }
    }

    /**
     * Makes the changed root and pages the volume's state, durably and all at once. On success the pages are published.
     *
     * <p>The primary gets the root before the mirror, so that no mirror is ever ahead of it. A mirror that fails on the
     * way does not fail the commit.
     *
     * @param next a copy of {@link #root()} with changes; its commit number, time, table root and MAC are set here
     * @param newArea the key slots that {@code next} names
     * @param pages changed copies of pages
     */
    void commit(RootBlock next, KeySlotArea newArea, Collection<TablePage> pages, long nowSeconds)
            throws CommitFailedException {
        long seq = root.commitSeq() + 1;
        requireEpoch(next, pages);
        TableRoot tableRoot = new TableRoot(root.tableRoot());
        for (TablePage page : pages) {
            TablePage old = table.page(page.index());
            if (old != null) {
                tableRoot.toggle(keys.tableTerm(old));
            }
            table.count(page);
            page.commitSeq(seq);
            page.seal(keys.mac(page));
            tableRoot.toggle(keys.tableTerm(page));
        }
        next.commitSeq(seq).committedSeconds(nowSeconds).tableRoot(tableRoot.bytes());
        next.seal(keys.mac(next));

        attempt = new Attempt(next, newArea, List.copyOf(pages));
        writePages(pages);
        try {
            store.flush();
            requireKept();
            // The commit point: from here on the new pages are the ones to believe.
            store.landRoot(1 - firmRoot, next.image());
            requireKept();
        } catch (StoreException e) {
            throw new CommitFailedException(Failure.UNKNOWN, e);
        }
        attempt = null;
        root = next;
        diskRoot = next;
        area = newArea;
        keys.follow(next);
        firmRoot = 1 - firmRoot;
        for (TablePage page : pages) {
            firmPageIsB.flip(page.index());
            publish(page);
        }
    }

    private void publish(TablePage page) {
        RangeCensus.count(table.page(page.index()), page, keyChanges);
        table.publish(page);
    }

    /** A page of another epoch would be lost with the keys of that epoch. */
    private static void requireEpoch(RootBlock next, Collection<TablePage> pages) {
        for (TablePage page : pages) {
            if (page.vkEpoch() != next.vkEpoch()) {
                throw new IllegalStateException("page " + page.index() + " was not taken by forChange: it is of epoch "
                        + page.vkEpoch() + ", the root of " + next.vkEpoch());
            }
        }
    }

    /** Whether the store still has the root that was written last: nobody has erased or replaced it meanwhile. */
    boolean isOnStore() throws StoreException {
        return Arrays.equals(store.primary().readRoot(firmRoot), diskRoot.image());
    }

    /** If somebody else's flush failed meanwhile, the system told that one of our loss, and not us. */
    private void requireKept() throws StoreException {
        if (store.hasLost()) {
            throw new StoreException(Errno.EIO, store.name() + ": a flush failed while the metadata was written");
        }
    }

    /**
     * Makes the other copies equal to those just committed: a single bad block then loses nothing, and no old copy of a
     * wrapped DEK remains. Durable with the next flush.
     */
    void writeSecondCopies(Collection<TablePage> pages) throws StoreException {
        for (TablePage page : pages) {
            store.writePageEverywhere(root, page.index(), otherCopy(page.index()), page.bytes());
        }
        store.writeRootEverywhere(1 - firmRoot, root.image());
    }

    private void writePages(Collection<TablePage> pages) throws CommitFailedException {
        try {
            for (TablePage page : pages) {
                store.writePageEverywhere(root, page.index(), otherCopy(page.index()), page.bytes());
            }
        } catch (StoreException e) {
            // A full store is the caller's trouble and can be undone; one that fails is not to be trusted with an undo.
            boolean undone = e.errno() == Errno.ENOSPC && undo(pages);
            if (undone) {
                attempt = null;
                keys.follow(root);
            }
            throw new CommitFailedException(undone ? Failure.UNDONE : Failure.UNKNOWN, e);
        }
    }

    /** Puts back what the copies held before, so that no page of this commit can come alive with the next one. */
    private boolean undo(Collection<TablePage> pages) {
        try {
            for (TablePage page : pages) {
                TablePage old = table.page(page.index());
                store.writePageEverywhere(root, page.index(), otherCopy(page.index()), bytesOrZeros(old));
            }
            store.flush();
            return !store.hasLost();
        } catch (StoreException e) {
            return false;
        }
    }

    /** The page's bytes; zeros for a page that was never written. */
    public static ByteBuffer bytesOrZeros(@Nullable TablePage page) {
        return page == null ? ByteBuffer.allocate(MetadataLayout.BLOCK_BYTES) : page.bytes();
    }

    private int otherCopy(int pageIndex) {
        return firmPageIsB.get(pageIndex) ? 0 : 1;
    }
}

package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import java.util.BitSet;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The metadata as it is on disk, and the one way of changing it: docs/format.md, "Commit". Used by one keeper at a time.
 *
 * <p>Between commits both copies of everything are equal. While a commit is being written, the copy that is known to be
 * durable (the <em>firm</em> one) stays untouched until the new one is durable in its turn.
 */
final class MetadataState {
    private final MetadataStore store;
    private final VolumeKeys keys;
    private final DekTable table;
    private final BitSet firmPageIsB = new BitSet();
    /** Written by the keeper, looked at from anywhere. */
    private volatile RootBlock root;

    private int firmRoot;

    MetadataState(MetadataStore store, VolumeKeys keys, DekTable table, RootBlock root, int firmRoot) {
        this.store = store;
        this.keys = keys;
        this.table = table;
        this.root = root;
        this.firmRoot = firmRoot;
    }

    /** What the last commit wrote; not to be changed. */
    RootBlock root() {
        return root;
    }

    MetadataStore store() {
        return store;
    }

    /** How far a failed commit got, which decides what may be done after it. */
    enum Failure {
        /** Nothing of it is on disk that a later commit could bring to life. */
        UNDONE,
        /** The disk may hold pieces, or even all of it: no commit may follow until the volume is opened anew. */
        UNKNOWN
    }

    /** A commit that did not succeed. */
    static final class CommitFailedException extends Exception {
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
     * @param next a copy of {@link #root()} with changes; its commit number, time, table root and MAC are set here
     * @param pages changed copies of pages
     */
    void commit(RootBlock next, Collection<TablePage> pages, long nowSeconds) throws CommitFailedException {
        long seq = root.commitSeq() + 1;
        TableRoot tableRoot = new TableRoot(root.tableRoot());
        for (TablePage page : pages) {
            TablePage old = table.page(page.index());
            if (old != null) {
                tableRoot.toggle(keys.tableTerm(old));
            }
            page.commitSeq(seq);
            page.seal(keys.mac(page));
            tableRoot.toggle(keys.tableTerm(page));
        }
        next.commitSeq(seq).committedSeconds(nowSeconds).tableRoot(tableRoot.bytes());
        next.seal(keys.mac(next));

        writePages(pages);
        try {
            store.flush();
            // The commit point: from here on the new pages are the ones to believe.
            store.writeRoot(1 - firmRoot, next.image());
            store.flush();
        } catch (StoreException e) {
            throw new CommitFailedException(Failure.UNKNOWN, e);
        }
        root = next;
        firmRoot = 1 - firmRoot;
        for (TablePage page : pages) {
            firmPageIsB.flip(page.index());
            table.publish(page);
        }
    }

    /**
     * Makes the other copies equal to those just committed: a single bad block then loses nothing, and no old copy of a
     * wrapped DEK remains. Durable with the next flush.
     */
    void mirror(Collection<TablePage> pages) throws StoreException {
        for (TablePage page : pages) {
            store.writePage(root, page.index(), otherCopy(page.index()), page.image());
        }
        store.writeRoot(1 - firmRoot, root.image());
    }

    private void writePages(Collection<TablePage> pages) throws CommitFailedException {
        try {
            for (TablePage page : pages) {
                store.writePage(root, page.index(), otherCopy(page.index()), page.image());
            }
        } catch (StoreException e) {
            // A full store is the caller's trouble and can be undone; one that fails is not to be trusted with an undo.
            boolean undone = e.errno() == Errno.ENOSPC && undo(pages);
            throw new CommitFailedException(undone ? Failure.UNDONE : Failure.UNKNOWN, e);
        }
    }

    /** Puts back what the copies held before, so that no page of this commit can come alive with the next one. */
    private boolean undo(Collection<TablePage> pages) {
        try {
            for (TablePage page : pages) {
                TablePage old = table.page(page.index());
                store.writePage(root, page.index(), otherCopy(page.index()), imageOrZeros(old));
            }
            store.flush();
            return true;
        } catch (StoreException e) {
            return false;
        }
    }

    static byte[] imageOrZeros(@Nullable TablePage page) {
        return page == null ? new byte[MetadataLayout.BLOCK_BYTES] : page.image();
    }

    private int otherCopy(int pageIndex) {
        return firmPageIsB.get(pageIndex) ? 0 : 1;
    }
}

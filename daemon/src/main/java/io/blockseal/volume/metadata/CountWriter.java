package io.blockseal.volume.metadata;

import io.blockseal.format.TablePage;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.table.CountedPages;
import java.util.List;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down how much was enciphered under each range's DEK, a page after the other. What it does not manage to write is
 * in the next commit of the same pages. On the keeper.
 */
final class CountWriter {
    /** What makes the commits. */
    interface Commits {
        /** Whether the disk is known to have what memory has, so that a commit may follow. */
        boolean mayFollow();

        void commit(List<TablePage> pages) throws CommitFailedException;

        /** All are made. */
        void done();

        void defect(Throwable reason);
    }

    private static final Logger LOG = LoggerFactory.getLogger(CountWriter.class);

    private final String volumeName;
    private final CountedPages counted;
    private final Commits commits;

    CountWriter(String volumeName, CountedPages counted, Commits commits) {
        this.volumeName = volumeName;
        this.counted = counted;
        this.commits = commits;
    }

    /** The pages whose counts have grown by so much that a crash must not forget it. */
    void writeGrown() {
        write(counted::nextGrown);
    }

    /** All pages whose counts are not those on the disk. */
    void writeBehind() {
        write(counted::nextBehind);
    }

    private void write(IntFunction<List<TablePage>> next) {
        try {
            List<TablePage> pages = ifAllowed(next, 0);
            while (!pages.isEmpty()) {
                commits.commit(pages);
                pages = ifAllowed(next, pages.get(pages.size() - 1).index() + 1);
            }
            commits.done();
        } catch (CommitFailedException e) {
            LOG.debug("volume={}: what was enciphered is not written down: {}", volumeName, e.getMessage());
        } catch (RuntimeException | Error e) {
            commits.defect(e);
        }
    }

    /** Copies are taken for a commit alone. */
    private List<TablePage> ifAllowed(IntFunction<List<TablePage>> next, int from) {
        return commits.mayFollow() ? next.apply(from) : List.of();
    }
}

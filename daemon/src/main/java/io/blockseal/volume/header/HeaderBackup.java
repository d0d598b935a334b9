package io.blockseal.volume.header;

import io.blockseal.format.BackupHead;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.volume.KeySlotInfo;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * All of a volume's metadata as of one commit, in memory: root, key slots, table pages. Everything in it is wrapped or
 * public, as on the disk. Made by {@link HeaderSnapshot} from a volume or by {@link BackupFile} from a file; what
 * vouches for it so far is a checksum, until {@link BackupProof} has verified it with a key. Immutable.
 */
public final class HeaderBackup {
    private final BackupHead head;
    private final SortedMap<Integer, TablePage> pages;

    HeaderBackup(BackupHead head, SortedMap<Integer, TablePage> pages) {
        this.head = head;
        this.pages = pages;
    }

    /** Whose it is. */
    public UUID uuid() {
        return root().uuid();
    }

    /** The volume's last commit at that time. */
    public long commitSeq() {
        return root().commitSeq();
    }

    /** When that commit was made, Unix time. */
    public long committedSeconds() {
        return root().committedSeconds();
    }

    /** When the backup was made, Unix time. */
    public long createdSeconds() {
        return head.createdSeconds();
    }

    /** What clients saw. */
    public long sizeBytes() {
        return root().sizeBytes();
    }

    /** How many table pages are in it. */
    public int pageCount() {
        return pages.size();
    }

    /** How long it is as a file. */
    public long fileBytes() {
        return head.fileBytes();
    }

    /** How many ranges had a DEK. */
    public long activeRanges() {
        return pages.values().stream().mapToLong(HeaderBackup::activeEntries).sum();
    }

    /** The keys that opened the volume then, and will again once it is restored. */
    public List<KeySlotInfo> keySlots() {
        return KeySlotInfo.ofAll(area());
    }

    private static long activeEntries(TablePage page) {
        long count = 0;
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            count += page.state(i) == TableEntry.ACTIVE ? 1 : 0;
        }
        return count;
    }

    BackupHead head() {
        return head;
    }

    RootBlock root() {
        return head.root();
    }

    KeySlotArea area() {
        return head.area();
    }

    /** In the order of their indices. */
    Collection<TablePage> pages() {
        return pages.values();
    }

    /** Null if all its ranges were NONE. */
    @Nullable
    TablePage page(int index) {
        return pages.get(index);
    }
}

package io.blockseal.volume.header;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import java.util.BitSet;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the key table tells about the ranges of a volume: states, places, generations, and how old the keys are. As true as
 * what it is made from: a {@link HeaderBackup} was verified with a key, or is as true as a checksum; the table of an open
 * volume is what its requests go by. Immutable.
 */
public final class RangeReport {
    /** A table as of one commit. */
    private interface Table {
        /** A page, or null if all its ranges are NONE. */
        @Nullable
        TablePage page(int index);

        /** Whether the range was given up when the volume was opened, whatever its entry says. */
        boolean isLost(long range);

        /** What was enciphered under the DEK of a range, which is on that page. */
        long encryptedBytes(long range, TablePage page);
    }

    private final RootBlock root;
    private final Table table;
    private final long[] countsByState = new long[4];
    /** When each DEK was made, ascending. */
    private final long[] madeSeconds;

    private final long generationMax;

    private RangeReport(RootBlock root, Table table) {
        this.root = root;
        this.table = table;
        long[] most = new long[1];
        forEach(range -> {
            countsByState[range.state()]++;
            most[0] = Math.max(most[0], range.generation());
        });
        generationMax = most[0];
        madeSeconds = new long[Math.toIntExact(countsByState[RangeWord.ACTIVE])];
        int[] count = new int[1];
        forEach(range -> {
            if (range.state() == RangeWord.ACTIVE) {
                madeSeconds[count[0]++] = range.createdSeconds();
            }
        });
        Arrays.sort(madeSeconds);
    }

    /** Of all metadata as of one commit. */
    public static RangeReport of(HeaderBackup snapshot) {
        return new RangeReport(snapshot.root(), new Table() {
            @Override
            public @Nullable TablePage page(int index) {
                return snapshot.page(index);
            }

            @Override
            public boolean isLost(long range) {
                return false;
            }

            @Override
            public long encryptedBytes(long range, TablePage page) {
                return page.encryptedBytes(TablePage.entryOf(range));
            }
        });
    }

    /**
     * Of an open volume as of its last commit, from memory, with what was enciphered until now: also while guests use it,
     * and while it is locked. Not on a loop or a keeper.
     */
    public static RangeReport of(Volume volume) throws StoreException, VolumeRefusedException {
        DekTable now = volume.table();
        @Nullable TablePage[] pages = new TablePage[now.pageCount()];
        BitSet lost = new BitSet();
        long[] enciphered = new long[Math.toIntExact(now.rangeCount())];
        RootBlock[] root = new RootBlock[1];
        volume.committer().lookAlone(() -> {
            root[0] = volume.root();
            for (int index = 0; index < pages.length; index++) {
                pages[index] = now.page(index);
            }
            for (int range = 0; range < now.rangeCount(); range++) {
                lost.set(range, RangeWord.state(now.word(range)) == RangeWord.LOST);
                enciphered[range] = now.enciphered().of(range);
            }
        });
        return new RangeReport(root[0], new Table() {
            @Override
            public @Nullable TablePage page(int index) {
                // A volume that has grown uses the new part when it is opened anew.
                return index < pages.length ? pages[index] : null;
            }

            @Override
            public boolean isLost(long range) {
                return lost.get((int) range);
            }

            @Override
            public long encryptedBytes(long range, TablePage page) {
                return range < enciphered.length
                        ? enciphered[(int) range]
                        : page.encryptedBytes(TablePage.entryOf(range));
            }
        });
    }

    /** The volume's UUID. */
    public UUID uuid() {
        return root.uuid();
    }

    /** As of which commit this is. */
    public long commitSeq() {
        return root.commitSeq();
    }

    /** Each range, in order. */
    public void forEach(Consumer<RangeInfo> consumer) {
        long count = root.rangeCount();
        @Nullable TablePage page = null;
        for (long range = 0; range < count; range++) {
            int entry = TablePage.entryOf(range);
            if (entry == 0) {
                page = table.page(TablePage.pageOf(range));
            }
            if (table.isLost(range)) {
                consumer.accept(new RangeInfo(range, RangeWord.LOST, 0, 0, 0, 0));
            } else if (page == null) {
                consumer.accept(new RangeInfo(range, RangeWord.NONE, 0, 0, 0, 0));
            } else {
                consumer.accept(of(range, page, entry));
            }
        }
    }

    private RangeInfo of(long range, TablePage page, int entry) {
        int state = page.state(entry);
        boolean active = state == TableEntry.ACTIVE;
        return new RangeInfo(
                range,
                // Without a key nothing vouches for the page; what is no state counts as lost.
                state > TableEntry.LOST ? RangeWord.LOST : state,
                active ? page.slot(entry) : 0,
                Integer.toUnsignedLong(page.generation(entry)),
                active ? Integer.toUnsignedLong(page.createdSeconds(entry)) : 0,
                active ? table.encryptedBytes(range, page) : 0);
    }

    /** How many ranges there are. */
    public long rangeCount() {
        return root.rangeCount();
    }

    /** How many ranges are in a state of {@link RangeWord}. */
    public long count(int state) {
        return countsByState[state];
    }

    /** When the oldest DEK was made, Unix time; 0 if there is none. */
    public long oldestSeconds() {
        return madeSeconds.length == 0 ? 0 : madeSeconds[0];
    }

    /** When the DEK was made that half of them are not younger than; 0 if there is none. */
    public long medianSeconds() {
        return madeSeconds.length == 0 ? 0 : madeSeconds[(madeSeconds.length - 1) / 2];
    }

    /** The most DEKs that a range has had. */
    public long generationMax() {
        return generationMax;
    }

    /** How many DEKs were made at that time or later. */
    public long madeSince(long seconds) {
        return Arrays.stream(madeSeconds).filter(made -> made >= seconds).count();
    }
}

package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.volume.RangeWord;
import io.blockseal.volume.Volume;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Opens what a crash left, reads it, then goes on working with it: writes to every range, reads that back, closes,
 * opens and reads again. Ranges that the guest used are read as a whole, of the others the first, a middle and the last
 * data unit.
 */
final class Look {
    /** Looks at something that only one case asks about, right after opening and before anything is written. */
    interface Question {
        @Nullable
        Object ask(Volume volume, FaultJournal disks) throws Exception;
    }

    /** The last 4096 bytes of each range are for the writes after the crash; no guest uses them before. */
    private static final int SECTORS_WRITTEN_AFTER = 8;

    private final Lab lab;
    private final Layout layout;
    private final int[] keys;
    private final Set<Integer> touchedRanges;
    private final Question question;
    private final int sectorsPerRange;

    Look(Lab lab, Layout layout, int[] keys, Set<Integer> touchedRanges, Question question) {
        this.lab = lab;
        this.layout = layout;
        this.keys = keys;
        this.touchedRanges = touchedRanges;
        this.question = question;
        this.sectorsPerRange = Layout.RANGE_BYTES / SectorContent.BYTES;
    }

    Sight at(FaultJournal disks) {
        try (Volume volume = lab.open(layout, disks, keys)) {
            int openedAt = disks.position();
            Object extra = question.ask(volume, disks);
            int ranges = (int) volume.shape().rangeCount();
            long[] words = new long[ranges];
            Arrays.setAll(words, volume::word);
            int[] sectors = sectorsOf(volume, disks);
            String complaint = goOn(volume, disks, sectors);
            return new Sight(null, ranges, words, sectors, openedAt, complaint, extra);
        } catch (Exception e) {
            return Sight.refused(e, null);
        }
    }

    private int[] sectorsOf(Volume volume, FaultJournal disks) {
        int ranges = (int) volume.shape().rangeCount();
        int[] sectors = new int[ranges * sectorsPerRange];
        Arrays.fill(sectors, Sight.UNSEEN);
        Model ignored = new Model(layout.unitBytes(), Layout.RANGE_BYTES);
        try (Guest guest = new Guest(lab.loop(), volume, disks, ignored)) {
            for (int range = 0; range < ranges; range++) {
                int first = range * sectorsPerRange;
                if (touchedRanges.contains(range)) {
                    read(guest, volume, disks, first, sectorsPerRange, sectors);
                } else {
                    read(guest, volume, disks, first, 8, sectors);
                    read(guest, volume, disks, first + sectorsPerRange / 2, 8, sectors);
                    read(guest, volume, disks, first + sectorsPerRange - 8, 8, sectors);
                }
            }
        }
        return sectors;
    }

    private void read(Guest guest, Volume volume, FaultJournal disks, int first, int count, int[] into) {
        byte[] bytes = guest.read(first, count);
        for (int i = 0; i < count; i++) {
            int sector = first + i;
            int content = bytes == null
                    ? SectorContent.UNREADABLE
                    : SectorContent.read(bytes, i * SectorContent.BYTES, sector);
            boolean torn = content == SectorContent.NOISE && isHole(volume, disks, sector);
            into[sector] = torn ? SectorContent.TORN_HOLE : content;
        }
    }

    private boolean isHole(Volume volume, FaultJournal disks, int sector) {
        long offset = (long) sector * SectorContent.BYTES;
        long word = volume.word(sector / sectorsPerRange);
        byte[] raw = layout.data(disks)
                .peek(volume.shape().physicalOffset(offset, RangeWord.slot(word)), SectorContent.BYTES);
        return Arrays.equals(raw, new byte[SectorContent.BYTES]);
    }

    /** Writes to every range, reads back, opens again and reads again; returns what is wrong, or nothing. */
    private String goOn(Volume volume, FaultJournal disks, int[] before) throws Exception {
        Model written = new Model(layout.unitBytes(), Layout.RANGE_BYTES);
        int ranges = (int) volume.shape().rangeCount();
        int[] contents = new int[ranges];
        try (Guest guest = new Guest(lab.loop(), volume, disks, written)) {
            for (int range = 0; range < ranges; range++) {
                int sector = (range + 1) * sectorsPerRange - SECTORS_WRITTEN_AFTER;
                Errno errno = guest.write(sector, SECTORS_WRITTEN_AFTER, BlockRequest.FUA);
                if (errno != Errno.OK) {
                    return "a write to range " + range + " after the crash got " + errno;
                }
                contents[range] = range + 1;
            }
        }
        String wrong = compare(before, contents, sectorsOf(volume, disks), "after writing on");
        if (!wrong.isEmpty()) {
            return wrong;
        }
        volume.close();
        try (Volume again = lab.open(layout, disks, keys)) {
            return compare(before, contents, sectorsOf(again, disks), "opened a second time");
        }
    }

    private String compare(int[] before, int[] written, int[] now, String when) {
        for (int sector = 0; sector < now.length; sector++) {
            int range = sector / sectorsPerRange;
            boolean rewritten = sector % sectorsPerRange >= sectorsPerRange - SECTORS_WRITTEN_AFTER;
            int expected = rewritten ? written[range] : before[sector];
            if (now[sector] != expected) {
                return when + ", sector " + sector + " of range " + range + " reads as " + now[sector] + " instead of "
                        + expected;
            }
        }
        return "";
    }
}

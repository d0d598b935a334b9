package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.volume.Volume;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Opens what a crash left, reads it, then goes on working with it: writes to every range, reads that back, closes,
 * opens and reads again. Ranges that the guest used are read as a whole, of the others the first, a middle and the last
 * data unit. Of a volume with very many ranges only those that were used, the first and the last are looked at.
 */
final class Look {
    /** Looks at something that only one case asks about, right after opening and before anything is written. */
    interface Question {
        @Nullable
        Object ask(Volume volume, FaultJournal disks) throws Exception;
    }

    /** The last 4096 bytes of each range are for the writes after the crash; no guest uses them before. */
    static final int SECTORS_WRITTEN_AFTER = 8;

    private static final int RANGES_MAX = 128;
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;

    private final Lab lab;
    private final Layout layout;
    private final int[] keys;
    private final Set<Integer> touchedRanges;
    private final Question question;
    private final Mutation mutation;

    Look(Lab lab, Scene scene, int[] keys, Question question, Mutation mutation) {
        this.lab = lab;
        this.layout = scene.layout();
        this.keys = keys;
        this.touchedRanges = scene.model().touchedRanges();
        this.question = question;
        this.mutation = mutation;
    }

    Sight at(FaultJournal disks) {
        mutation.whileOpening(layout, disks);
        try (Volume volume = lab.open(layout, disks, keys)) {
            int openedAt = disks.position();
            Object extra = question.ask(volume, disks);
            Map<Integer, Sight.OfRange> ranges = rangesOf(volume, disks);
            String complaint = goOn(volume, disks, ranges);
            return new Sight(null, (int) volume.shape().rangeCount(), ranges, openedAt, complaint, extra);
        } catch (Exception e) {
            return Sight.refused(e);
        }
    }

    private Set<Integer> lookedAt(Volume volume) {
        int count = (int) volume.shape().rangeCount();
        Set<Integer> ranges = new TreeSet<>(touchedRanges);
        ranges.removeIf(range -> range >= count);
        ranges.add(0);
        ranges.add(count - 1);
        for (int range = 0; range < count && count <= RANGES_MAX; range++) {
            ranges.add(range);
        }
        return ranges;
    }

    private Map<Integer, Sight.OfRange> rangesOf(Volume volume, FaultJournal disks) {
        Map<Integer, Sight.OfRange> found = new TreeMap<>();
        Model ignored = new Model(layout.unitBytes());
        try (Guest guest = new Guest(lab.loop(), volume, disks, ignored)) {
            for (int range : lookedAt(volume)) {
                int[] sectors = new int[PER_RANGE];
                Arrays.fill(sectors, Sight.UNSEEN);
                int first = range * PER_RANGE;
                if (touchedRanges.contains(range)) {
                    read(guest, volume, disks, first, PER_RANGE, sectors);
                } else {
                    read(guest, volume, disks, first, 8, sectors);
                    read(guest, volume, disks, first + PER_RANGE / 2, 8, sectors);
                    read(guest, volume, disks, first + PER_RANGE - 8, 8, sectors);
                }
                found.put(range, new Sight.OfRange(volume.word(range), sectors));
            }
        }
        return found;
    }

    private void read(Guest guest, Volume volume, FaultJournal disks, int first, int count, int[] into) {
        byte[] bytes = guest.read(first, count);
        for (int i = 0; i < count; i++) {
            int sector = first + i;
            int content = bytes == null
                    ? SectorContent.UNREADABLE
                    : SectorContent.read(bytes, i * SectorContent.BYTES, sector);
            boolean torn = content == SectorContent.NOISE && isHole(volume, disks, sector);
            into[sector % PER_RANGE] = torn ? SectorContent.TORN_HOLE : content;
        }
    }

    private boolean isHole(Volume volume, FaultJournal disks, int sector) {
        long offset = (long) sector * SectorContent.BYTES;
        long slot = RangeWord.slot(volume.word(sector / PER_RANGE));
        byte[] raw = layout.data(disks).peek(volume.shape().physicalOffset(offset, slot), SectorContent.BYTES);
        return Arrays.equals(raw, new byte[SectorContent.BYTES]);
    }

    /** Writes to every range, reads back, opens again and reads again; returns what is wrong, or nothing. */
    private String goOn(Volume volume, FaultJournal disks, Map<Integer, Sight.OfRange> before) throws Exception {
        Model written = new Model(layout.unitBytes());
        Map<Integer, Integer> contents = new TreeMap<>();
        try (Guest guest = new Guest(lab.loop(), volume, disks, written)) {
            for (int range : before.keySet()) {
                int sector = (range + 1) * PER_RANGE - SECTORS_WRITTEN_AFTER;
                Errno errno = guest.write(sector, SECTORS_WRITTEN_AFTER, BlockRequest.FUA);
                if (errno != Errno.OK) {
                    return "a write to range " + range + " after the crash got " + errno;
                }
                contents.put(range, contents.size() + 1);
            }
        }
        String wrong = compare(before, contents, rangesOf(volume, disks), "after writing on");
        if (!wrong.isEmpty()) {
            return wrong;
        }
        volume.close();
        try (Volume again = lab.open(layout, disks, keys)) {
            return compare(before, contents, rangesOf(again, disks), "opened a second time");
        }
    }

    private static String compare(
            Map<Integer, Sight.OfRange> before,
            Map<Integer, Integer> written,
            Map<Integer, Sight.OfRange> now,
            String when) {
        for (Map.Entry<Integer, Sight.OfRange> entry : now.entrySet()) {
            int range = entry.getKey();
            int[] sectors = entry.getValue().sectors();
            for (int i = 0; i < PER_RANGE; i++) {
                boolean rewritten = i >= PER_RANGE - SECTORS_WRITTEN_AFTER;
                int expected =
                        rewritten ? written.get(range) : before.get(range).sectors()[i];
                if (sectors[i] != expected) {
                    return when + ", sector " + i + " of range " + range + " reads as " + Invariant.name(sectors[i])
                            + " instead of " + Invariant.name(expected);
                }
            }
        }
        return "";
    }
}

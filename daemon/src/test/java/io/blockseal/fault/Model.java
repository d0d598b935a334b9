package io.blockseal.fault;

import io.blockseal.volume.Volume;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What a guest may find after a crash: for every sector that it wrote, the last content that was acknowledged as
 * durable (by FLUSH or FUA), or any that was begun later; zeros where it never wrote. And how many DEKs each range has
 * had at the least.
 *
 * <p>Times are positions in the {@link FaultJournal}: a request was begun at one and acknowledged at another; a cut at
 * the latter or later has to honour it.
 */
final class Model {
    private static final int NEVER = Integer.MAX_VALUE;

    /** Something that was written to a sector. */
    private static final class Version {
        private final int content;
        private final int begun;
        private int acknowledged;
        private int durable;

        Version(int content, int begun, int acknowledged, int durable) {
            this.content = content;
            this.begun = begun;
            this.acknowledged = acknowledged;
            this.durable = durable;
        }
    }

    private record Floor(int position, int range, long generation) {}

    private final int sectorsPerUnit;
    private final Map<Integer, List<Version>> versions = new HashMap<>();
    private final List<Floor> floors = new ArrayList<>();
    private final Map<Integer, Long> generations = new HashMap<>();
    private int lastContent;

    Model(int unitBytes) {
        sectorsPerUnit = unitBytes / SectorContent.BYTES;
    }

    /** Everything written so far is durable now, and positions begin anew. */
    void restart() {
        versions.values().forEach(list -> {
            Version last = list.get(list.size() - 1);
            list.clear();
            list.add(new Version(last.content, 0, 0, 0));
        });
        floors.clear();
        generations.forEach((range, generation) -> floors.add(new Floor(0, range, generation)));
    }

    /** What the guest knows after a crash: what it sees is durable, and its next writes have contents of their own. */
    Model after(Sight sight) {
        Model next = new Model(sectorsPerUnit * SectorContent.BYTES);
        next.lastContent = lastContent;
        sight.ranges().forEach((range, seen) -> {
            next.generations.put(range, Integer.toUnsignedLong(RangeWord.generation(seen.word())));
            for (int i = 0; i < seen.sectors().length; i++) {
                int content = seen.sectors()[i];
                if (content != Sight.UNSEEN && content != SectorContent.ZEROS) {
                    next.done(range * Layout.SECTORS_PER_RANGE + i, 1, content, 0, 0, true);
                }
            }
        });
        return next;
    }

    /** A content that nothing else has. */
    int newContent() {
        return ++lastContent;
    }

    /** A request that was answered with OK, for sectors that it covers wholly. */
    void done(int sector, int count, int content, int begun, int acknowledged, boolean fua) {
        add(sector, count, new Version(content, begun, acknowledged, fua ? acknowledged : NEVER));
    }

    /** A request that failed: what it was to write may be there or not, and is promised to nobody. */
    void failed(int sector, int count, int content, int begun) {
        add(sector, count, new Version(content, begun, NEVER, NEVER));
    }

    private void add(int sector, int count, Version version) {
        for (int i = sector; i < sector + count; i++) {
            versions.computeIfAbsent(i, any -> new ArrayList<>())
                    .add(new Version(version.content, version.begun, version.acknowledged, version.durable));
        }
    }

    /** A FLUSH that was answered with OK. */
    void flushed(int begun, int acknowledged) {
        for (List<Version> list : versions.values()) {
            for (Version version : list) {
                if (version.acknowledged <= begun) {
                    version.durable = Math.min(version.durable, acknowledged);
                }
            }
        }
    }

    /** A store failed to keep what was not durable: no later flush makes that durable, and the guest was told. */
    void lost() {
        for (List<Version> list : versions.values()) {
            for (Version version : list) {
                if (version.durable == NEVER) {
                    version.acknowledged = NEVER;
                }
            }
        }
    }

    /** The range was shredded: it reads as zeros, durably. */
    void shredded(int range, int begun, int acknowledged) {
        int first = range * Layout.SECTORS_PER_RANGE;
        done(first, Layout.SECTORS_PER_RANGE, SectorContent.ZEROS, begun, acknowledged, true);
    }

    /** Remembers the generations that the volume shows now. */
    void sawGenerations(Volume volume, int position) {
        for (int range = 0; range < volume.shape().rangeCount(); range++) {
            long generation = Integer.toUnsignedLong(RangeWord.generation(volume.word(range)));
            if (generation > generations.getOrDefault(range, 0L)) {
                generations.put(range, generation);
                floors.add(new Floor(position, range, generation));
            }
        }
    }

    /** The least generation that the range must have after a cut at {@code position}. */
    long generationFloor(int range, int position) {
        long least = 0;
        for (Floor floor : floors) {
            if (floor.range() == range && floor.position() <= position) {
                least = Math.max(least, floor.generation());
            }
        }
        return least;
    }

    /** Ranges that were ever written to. */
    TreeSet<Integer> touchedRanges() {
        TreeSet<Integer> ranges = new TreeSet<>();
        versions.keySet().forEach(sector -> ranges.add(sector / Layout.SECTORS_PER_RANGE));
        return ranges;
    }

    /** Whether the sector may read as {@code content} after a cut at {@code position}. */
    boolean allows(int sector, int content, int position) {
        if (content == SectorContent.TORN_HOLE) {
            return allows(sector, SectorContent.ZEROS, position) && unitInFlight(sector, position);
        }
        List<Version> list = versions.getOrDefault(sector, List.of());
        int durable = lastDurable(list, position);
        if (durable < 0 && content == SectorContent.ZEROS) {
            return true;
        }
        for (int i = Math.max(0, durable); i < list.size(); i++) {
            if (list.get(i).content == content && list.get(i).begun <= position) {
                return true;
            }
        }
        return false;
    }

    /** For messages: what {@link #allows} would have taken. */
    String allowed(int sector, int position) {
        List<Version> list = versions.getOrDefault(sector, List.of());
        int durable = lastDurable(list, position);
        List<String> contents = new ArrayList<>();
        if (durable < 0) {
            contents.add("zeros");
        }
        for (int i = Math.max(0, durable); i < list.size(); i++) {
            if (list.get(i).begun <= position) {
                contents.add(list.get(i).content == 0 ? "zeros" : "write " + list.get(i).content);
            }
        }
        return String.join(" or ", contents);
    }

    private static int lastDurable(List<Version> list, int position) {
        int durable = -1;
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i).durable <= position) {
                durable = i;
            }
        }
        return durable;
    }

    /** Whether something is written to the data unit that is not durable yet, so that the unit may be torn. */
    private boolean unitInFlight(int sector, int position) {
        int first = sector / sectorsPerUnit * sectorsPerUnit;
        for (int i = first; i < first + sectorsPerUnit && sectorsPerUnit > 1; i++) {
            List<Version> list = versions.getOrDefault(i, List.of());
            for (int v = lastDurable(list, position) + 1; v < list.size(); v++) {
                if (list.get(v).begun <= position) {
                    return true;
                }
            }
        }
        return false;
    }
}

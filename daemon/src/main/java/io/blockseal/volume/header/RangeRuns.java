package io.blockseal.volume.header;

import java.util.ArrayList;
import java.util.List;

/** A set of ranges as runs, for people and programs: a volume has millions of ranges, and they go in runs. */
public final class RangeRuns {
    /** {@code first} to {@code last}, both in it. */
    public record Run(long first, long last) {
        @Override
        public String toString() {
            return first == last ? Long.toString(first) : first + "-" + last;
        }
    }

    private static final int SHOWN_MAX = 12;

    private final List<Run> runs = new ArrayList<>();
    private long count;

    /** Takes in one more range, greater than all before. */
    void add(long range) {
        count++;
        int last = runs.size() - 1;
        if (last >= 0 && runs.get(last).last() == range - 1) {
            runs.set(last, new Run(runs.get(last).first(), range));
        } else {
            runs.add(new Run(range, range));
        }
    }

    /** How many ranges. */
    public long count() {
        return count;
    }

    /** In ascending order. */
    public List<Run> runs() {
        return List.copyOf(runs);
    }

    /** Such as {@code 31-61, 70}; of very many runs the first ones. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(SHOWN_MAX, runs.size()); i++) {
            text.append(i == 0 ? "" : ", ").append(runs.get(i));
        }
        return text + (runs.size() > SHOWN_MAX ? " and " + (runs.size() - SHOWN_MAX) + " more runs" : "");
    }
}

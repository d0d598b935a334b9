package io.blockseal.config;

import io.blockseal.config.ConfigException.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.error.Mark;

/** Collects what is wrong in one file, with the places. */
final class ProblemList {
    private record Placed(int line, int column, Problem problem) {}

    private final String file;
    private final List<Placed> found = new ArrayList<>();

    ProblemList(String file) {
        this.file = file;
    }

    /** Notes a problem; without a mark it belongs to the whole file. */
    void add(@Nullable Mark mark, String what, String fix) {
        int line = mark == null ? 1 : mark.getLine() + 1;
        int column = mark == null ? 1 : mark.getColumn() + 1;
        found.add(new Placed(line, column, new Problem(place(line, column), what, fix)));
    }

    /** How messages call that place, for whoever finds a problem there later. */
    String place(Mark mark) {
        return place(mark.getLine() + 1, mark.getColumn() + 1);
    }

    private String place(int line, int column) {
        return file + ":" + line + ":" + column;
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /** Throws all of them, in the order of the file, if there are any. */
    void throwIfAny() throws ConfigException {
        if (!found.isEmpty()) {
            throw new ConfigException(found.stream()
                    .sorted(Comparator.comparingInt(Placed::line).thenComparingInt(Placed::column))
                    .map(Placed::problem)
                    .toList());
        }
    }
}

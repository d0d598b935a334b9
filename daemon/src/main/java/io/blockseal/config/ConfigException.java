package io.blockseal.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that cannot be used; carries every problem that was found, in the order of the file. */
public final class ConfigException extends Exception {
    /**
     * One thing to fix.
     *
     * @param place {@code file:line:column}, or the name of a command-line option
     * @param what what was found and what was expected
     * @param fix what to do, one sentence
     */
    public record Problem(String place, String what, String fix) {
        @Override
        public String toString() {
            return place + ": " + what + "\n  " + fix;
        }
    }

    private final transient List<Problem> problems;

    /** At least one problem. */
    public ConfigException(List<Problem> problems) {
        super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** What to fix. */
    public List<Problem> problems() {
        return problems;
    }
}

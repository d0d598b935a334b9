package io.blockseal.suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What an exhaustive suite has tried: a row for each case, with how many states it looked at and how many of them were
 * wrong. Printed at the end of the suite, left in {@code target/suite-tables/} for the summary of {@code scripts/test},
 * and compared with the same table in the documents, so that these cannot promise what was never run.
 *
 * <p>Rows appear in the order of their first mention; a case that is added to again grows. Used by one test class, on
 * the test's thread.
 */
public final class SuiteTable {
    /** What one case tried. */
    public record Row(String id, String what, long states, long failures) {}

    private final String name;
    private final Map<String, Row> rows = new LinkedHashMap<>();

    /** {@code name} becomes the name of the file: {@code target/suite-tables/NAME.txt}. */
    public SuiteTable(String name) {
        this.name = name;
    }

    /** Adds to the row of {@code id}, or begins it. */
    public void add(String id, String what, long states, long failures) {
        rows.merge(
                id,
                new Row(id, what, states, failures),
                (old, more) -> new Row(id, what, old.states() + more.states(), old.failures() + more.failures()));
    }

    /** All rows so far. */
    public List<Row> rows() {
        return List.copyOf(rows.values());
    }

    /** The table in columns, with a sum below it. */
    public String text() {
        int widest = rows.values().stream()
                .mapToInt(row -> row.what().length())
                .max()
                .orElse(4);
        String line = "%-6s %-" + widest + "s %10s %10s%n";
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, line, "case", "what", "states", "failures"));
        rows.values()
                .forEach(row -> text.append(
                        String.format(Locale.ROOT, line, row.id(), row.what(), row.states(), row.failures())));
        long states = rows.values().stream().mapToLong(Row::states).sum();
        long failures = rows.values().stream().mapToLong(Row::failures).sum();
        return text.append(String.format(Locale.ROOT, line, "", "in all", states, failures))
                .toString();
    }

    /** Prints the table and leaves it for the summary. */
    public void publish() {
        Path folder = Path.of(System.getProperty("basedir", "."), "target", "suite-tables");
        String text = text();
        System.out.println("\nStates tried by the " + name + " suite:\n" + text);
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(name + ".txt"), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What a document says between {@code <!-- NAME-table -->} and {@code <!-- end of NAME-table -->}: one row a line,
     * {@code | id | what | states | failures |}.
     */
    public List<Row> documentedIn(Path document) throws IOException {
        String page = Files.readString(document);
        String begin = "<!-- " + name + "-table -->";
        int from = page.indexOf(begin);
        int to = page.indexOf("<!-- end of " + name + "-table -->");
        if (from < 0 || to < from) {
            throw new IOException(document + ": has no table between " + begin + " and its end");
        }
        List<Row> found = new ArrayList<>();
        for (String line : page.substring(from + begin.length(), to).split("\n")) {
            String[] cells = line.split("\\|");
            if (cells.length == 5 && cells[3].strip().replace(",", "").matches("\\d+")) {
                found.add(new Row(
                        cells[1].strip(),
                        cells[2].strip(),
                        Long.parseLong(cells[3].strip().replace(",", "")),
                        Long.parseLong(cells[4].strip().replace(",", ""))));
            }
        }
        return found;
    }

    /** The same rows as a document shows them: to be pasted when a case is added. */
    public String markdown() {
        StringBuilder text = new StringBuilder("| Case | What | States | Failures |\n|---|---|---|---|\n");
        rows.values()
                .forEach(row -> text.append(String.format(
                        Locale.ROOT, "| %s | %s | %,d | %d |%n", row.id(), row.what(), row.states(), row.failures())));
        return text.toString();
    }
}

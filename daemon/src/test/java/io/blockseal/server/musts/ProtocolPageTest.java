package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The tables of {@code docs/protocol.md} are what the tests are. */
class ProtocolPageTest {
    private static final Pattern QUOTED = Pattern.compile("`([A-Z]\\w*(?:Test|IT)(?:\\.\\w+)*)`");

    /** A row of three columns: section, demand, tests. */
    private record Row(String section, List<String> tests) {}

    private static String page;
    private static List<Row> rows;
    /** Source texts of all tests, by class. */
    private static Map<String, String> sources;

    @BeforeAll
    static void read() throws IOException {
        page = Files.readString(Path.of("..", "docs", "protocol.md"));
        String tables = page.substring(page.indexOf("## Every MUST"), page.indexOf("### What others do otherwise"));
        rows = tables.lines()
                .filter(line -> line.startsWith("| "))
                .map(line -> line.substring(2).split(" \\| ?"))
                .filter(columns -> columns.length >= 3 && !columns[0].equals("Section"))
                .map(columns -> new Row(columns[0], quoted(columns[2])))
                .toList();
        sources = new TreeMap<>();
        for (String folder : List.of("src/test/java", "src/it/java")) {
            try (Stream<Path> files = Files.walk(Path.of(folder))) {
                files.filter(file -> file.toString().endsWith(".java"))
                        .forEach(file ->
                                sources.put(file.getFileName().toString().replace(".java", ""), source(file)));
            }
        }
    }

    private static String source(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> quoted(String text) {
        return QUOTED.matcher(text).results().map((MatchResult m) -> m.group(1)).toList();
    }

    /** The methods that are cases, by {@code Class.method}. */
    private static Map<String, Method> cases() throws ClassNotFoundException {
        Map<String, Method> found = new TreeMap<>();
        for (String name : sources.keySet()) {
            if (name.endsWith("MustsTest")) {
                Class<?> type = Class.forName("io.blockseal.server.musts." + name);
                for (Method method : type.getDeclaredMethods()) {
                    if (method.isAnnotationPresent(Section.class)) {
                        found.put(name + "." + method.getName(), method);
                    }
                }
            }
        }
        return found;
    }

    @Test
    void namesTestsThatThereAre() {
        assertTrue(rows.size() > 80, "rows: " + rows.size());
        for (Row row : rows) {
            for (String test : row.tests()) {
                String[] parts = test.split("\\.");
                String text = sources.get(parts[0]);
                assertTrue(text != null, "no such class: " + test);
                for (int i = 1; i < parts.length; i++) {
                    String sought = i < parts.length - 1 ? "class " + parts[i] + " " : "void " + parts[i] + "(";
                    assertTrue(text.contains(sought), "no such test: " + test);
                }
            }
        }
    }

    @Test
    void namesEveryCaseUnderItsSection() throws Exception {
        Set<String> named = new TreeSet<>();
        Map<String, Method> cases = cases();
        for (Row row : rows) {
            for (String test : row.tests()) {
                Method method = cases.get(test);
                if (method != null) {
                    named.add(test);
                    String section = method.getAnnotation(Section.class).value();
                    assertEquals(section, row.section(), test);
                }
            }
        }
        assertEquals(cases.keySet(), named);
    }

    @Test
    void everyCaseHasASection() {
        sources.forEach((name, text) -> {
            if (name.endsWith("MustsTest")) {
                int tests = text.split("@Test\\b|@ParameterizedTest\\b|@EachStyle\\b", -1).length;
                assertEquals(tests, text.split("@Section\\(", -1).length, name);
            }
        });
    }

    @Test
    void saysWhatOthersDoOtherwise() throws Exception {
        List<String> expected = new ArrayList<>();
        KnownFailures.OF_NBDKIT.forEach((test, what) -> expected.add("| nbdkit | `" + test + "` | " + what + " |"));
        KnownFailures.OF_QEMU_NBD.forEach((test, what) -> expected.add("| qemu-nbd | `" + test + "` | " + what + " |"));
        List<String> told = page.substring(page.indexOf("### What others do otherwise"))
                .lines()
                .filter(line -> line.startsWith("| nbdkit") || line.startsWith("| qemu-nbd"))
                .toList();
        assertEquals(new TreeSet<>(expected), new TreeSet<>(told));
        for (String test : quoted(String.join("\n", told))) {
            assertTrue(cases().containsKey(test), "no such case: " + test);
        }
    }
}

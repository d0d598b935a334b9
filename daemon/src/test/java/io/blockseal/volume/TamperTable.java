package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.suite.SuiteTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Collects what the tamper tests tried, whichever class tried it, and prints the table once the last of them is done.
 * Each of those classes is extended with it.
 */
public final class TamperTable implements BeforeAllCallback {
    private static final SuiteTable TABLE = new SuiteTable("tamper");
    private static final Path DOCUMENT = Path.of("..", "docs", "durability.md");

    /** Adds to a case; from any thread. */
    static synchronized void add(String id, String what, long states, long failures) {
        TABLE.add(id, what, states, failures);
    }

    /** Insists that docs/durability.md, if it has a row for the case, says what was really tried. */
    static void compareWithTheDocument(String id, String what, long states) {
        try {
            for (SuiteTable.Row row : TABLE.documentedIn(DOCUMENT)) {
                if (row.id().equals(id)) {
                    assertEquals(row, new SuiteTable.Row(id, what, states, 0), "as docs/durability.md has it");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        context.getRoot()
                .getStore(Namespace.create(TamperTable.class))
                .getOrComputeIfAbsent(AtTheEnd.class, key -> new AtTheEnd(), AtTheEnd.class);
    }

    /** Closed by JUnit when all tests have run. */
    private static final class AtTheEnd implements AutoCloseable {
        @Override
        public void close() {
            TABLE.publish();
        }
    }
}

package io.blockseal.volume;

import io.blockseal.suite.SuiteTable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Collects what the tamper tests tried, whichever class tried it, and prints the table once the last of them is done.
 * Each of those classes is extended with it.
 */
final class TamperTable implements BeforeAllCallback {
    private static final SuiteTable TABLE = new SuiteTable("tamper");

    /** Adds to a case; from any thread. */
    static synchronized void add(String id, String what, long states, long failures) {
        TABLE.add(id, what, states, failures);
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

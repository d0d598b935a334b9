package io.blockseal.app.setup;

import io.blockseal.app.console.Failures;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was built, to be taken down in reverse order: after a failure half way up, or at the end. Every step is tried,
 * whatever the others do.
 */
public final class Unwinding implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Unwinding.class);

    private record Step(String what, AutoCloseable undo) {}

    private final Deque<Step> steps = new ArrayDeque<>();

    /** Remembers to undo {@code what}. */
    public void add(String what, AutoCloseable undo) {
        steps.push(new Step(what, undo));
    }

    /** Leaves everything else as it is: the process is about to end, and what is left must not be touched. */
    public void abandon() {
        steps.clear();
    }

    /** Undoes all of it, the newest first. A second call does nothing. */
    @Override
    public void close() {
        while (!steps.isEmpty()) {
            Step step = steps.pop();
            try {
                step.undo.close();
            } catch (Exception failed) { // A volume must be closed even if the step before it failed.
                LOG.error("{} could not be closed: {}", step.what, Failures.message(failed), failed);
            }
        }
    }
}

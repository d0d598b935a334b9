package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;

/**
 * Counts the states of one case, goes on after one that is wrong, and complains about all of them at the end. From any
 * thread.
 */
public final class TamperTally implements AutoCloseable {
    /** Looks at one state, and throws if it is not what the case promises. */
    public interface State {
        void look() throws Exception;
    }

    private static final int SHOWN = 5;

    private final String id;
    private final String what;
    private final List<String> failures = new ArrayList<>();
    private long states;

    public TamperTally(String id, String what) {
        this.id = id;
        this.what = what;
    }

    /** One state more; {@code which} is for the message if it fails. */
    public void state(String which, State state) {
        String failure = null;
        try {
            state.look();
        } catch (Exception | AssertionError e) {
            failure = which + ": " + e;
        }
        synchronized (this) {
            states++;
            if (failure != null) {
                failures.add(failure);
            }
        }
    }

    @Override
    public synchronized void close() {
        TamperTable.add(id, what, states, failures.size());
        TamperTable.compareWithTheDocument(id, what, states);
        assertTrue(states > 0, "nothing was tried");
        assertEquals(
                List.of(), failures.subList(0, Math.min(SHOWN, failures.size())), failures.size() + " states wrong");
    }
}

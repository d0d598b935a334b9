package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.key.NewKey;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import java.util.List;

/** The keys that came with a call: from a command's options, or through the control socket. They stay the caller's. */
public interface CallKeys {
    /** One that opens the volume. */
    KeySource opening() throws CommandException, KeySourceException;

    /** All that open it, of several key slots; at least one. */
    List<KeySource> everyOpening() throws CommandException, KeySourceException;

    /** Whether a new one came along. */
    boolean hasNew();

    /** A new one, made now if it was wanted so. */
    NewKey made() throws CommandException, KeySourceException;

    /**
     * The new one opens the volume from now on, while the work goes on: whoever waits at a terminal is told at once. Long
     * work tells no phase before: those who look on from afar take the first one for this.
     */
    default void taken(NewKey made) throws KeySourceException {
        // Whoever sent it knows it.
    }
}

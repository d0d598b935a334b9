package io.blockseal.app.verb;

import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobControl;
import io.blockseal.memory.MemorySource;
import io.blockseal.volume.Volume;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One call of a verb.
 *
 * @param called what the caller calls the volume: a path as it was given, else the one from the configuration
 * @param head what can be told without a key
 * @param opened the volume; null for a verb that needs only its head. It stays the caller's
 * @param serving what the daemon has that serves it meanwhile, or null
 * @param arguments by name
 * @param memory where long work gets a buffer from
 * @param keys that came along
 * @param control where to tell how far it is, and to hear that it is to end
 */
public record VerbCall(
        String called,
        Head head,
        @Nullable Volume opened,
        @Nullable Serving serving,
        Arguments arguments,
        MemorySource memory,
        CallKeys keys,
        JobControl control) {
    /** What the caller calls the volume; an argument that every verb takes. */
    public static final String CALLED = "called";

    private static final Set<String> ALWAYS_KNOWN = Set.of(CALLED, SentKeys.KEY);

    /** Reads the head, now. */
    @FunctionalInterface
    public interface Head {
        /** What it says. */
        VolumeHead read() throws Exception;
    }

    /** Whether a daemon serves it meanwhile. */
    public boolean served() {
        return serving != null;
    }

    /** What the daemon has, for a verb of which the command does its own if there is none. */
    Serving requireServing() {
        Serving present = serving;
        if (present == null) {
            throw new IllegalStateException("the command does this itself to a volume that nobody serves");
        }
        return present;
    }

    /** The open volume. */
    public Volume volume() {
        Volume volume = opened;
        if (volume == null) {
            throw new IllegalStateException("the verb said that it needs no more than the head");
        }
        return volume;
    }

    /** Refuses a key that does not open the volume, if one is named where none is needed: who names it wants to know. */
    void requireNamedKeyOpens() throws Exception {
        if (arguments.group(SentKeys.KEY) != null) {
            volume().keySlots().requireOpenedBy(keys.opening());
        }
    }

    /** Refuses arguments that the verb did not ask for. */
    public void requireAllKnown() throws ArgumentException {
        arguments.requireAllKnown(ALWAYS_KNOWN);
    }
}

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
 * @param served whether a daemon serves it meanwhile
 * @param arguments by name
 * @param memory where long work gets a buffer from
 * @param keys that came along
 * @param control where to tell how far it is, and to hear that it is to end
 */
public record VerbCall(
        String called,
        Head head,
        @Nullable Volume opened,
        boolean served,
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

package io.blockseal.app.verb;

import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import java.nio.charset.StandardCharsets;

/**
 * A long verb that goes on after a restart of the daemon, when its volume is open again. How far it came it must find on
 * the volume itself; remembered is only how it was asked for.
 */
public interface ResumableVerb extends VolumeVerb {
    /** What to remember, as one JSON object of at most 2 KiB: as a rule the arguments, which never have their secrets. */
    default String toJson(Arguments given) {
        return given.json();
    }

    /** The arguments to go on with. */
    default Arguments fromJson(String remembered) throws ArgumentException {
        return Arguments.parse(remembered.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    default boolean isLong() {
        return true;
    }
}

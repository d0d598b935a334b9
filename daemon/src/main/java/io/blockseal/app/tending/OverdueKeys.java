package io.blockseal.app.tending;

import io.blockseal.app.verb.RotateDekVerb;
import io.blockseal.config.KeyPolicy;
import io.blockseal.control.Arguments;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.volume.Volume;
import java.time.Instant;

/** The DEKs of an open volume that are beyond a {@link KeyPolicy}, and what to order for them. On any thread but a loop's. */
public final class OverdueKeys {
    private final Volume volume;
    private final KeyPolicy policy;

    public OverdueKeys(Volume volume, KeyPolicy policy) {
        this.volume = volume;
        this.policy = policy;
    }

    /** How many there are, now. */
    int count() {
        return count(true, true);
    }

    /** Which of the limits are passed, in the words of the configuration. */
    String reason() {
        boolean old = count(true, false) > 0;
        boolean worn = count(false, true) > 0;
        return old && worn ? "max-key-age,max-bytes-per-key" : worn ? "max-bytes-per-key" : "max-key-age";
    }

    /** The arguments of a {@link RotateDekVerb} that replaces them. */
    public Arguments order() {
        Arguments arguments = new Arguments();
        if (policy.limitsAge()) {
            arguments.text(RotateDekVerb.MADE_BEFORE, madeBefore().toString());
        }
        if (policy.limitsBytes()) {
            arguments.number(RotateDekVerb.ENCIPHERED_MIN, policy.bytesMax());
        }
        if (policy.bytesPerSecond() != Long.MAX_VALUE) {
            arguments.number(RotateDekVerb.BYTES_PER_SECOND, policy.bytesPerSecond());
        }
        return arguments;
    }

    private int count(boolean byAge, boolean byBytes) {
        RangeSelection selection = new RangeSelection(
                0,
                Long.MAX_VALUE,
                byAge && policy.limitsAge() ? madeBefore() : RangeSelection.ANY_AGE,
                byBytes && policy.limitsBytes() ? policy.bytesMax() : RangeSelection.ANY_AMOUNT);
        return selection.count(volume);
    }

    private Instant madeBefore() {
        return RotateDekVerb.endOfSecond(Instant.ofEpochSecond(volume.nowSeconds()))
                .minus(policy.ageMax());
    }
}

package io.blockseal.keysource.passphrase;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of a passphrase that is about to protect a new key slot; opening a slot asks for nothing.
 *
 * @param cost the cost of a guess, or null to measure this machine and take about {@code target}
 * @param target how long opening should take
 * @param allowWeak whether fewer than {@link #CHARACTERS_MIN} characters will do
 */
public record PassphrasePolicy(@Nullable Argon2Cost cost, Duration target, boolean allowWeak) {
    /** Fewer can be found by trying, whatever a guess costs. */
    public static final int CHARACTERS_MIN = 12;

    /** Calibrated to about two seconds, twelve characters. */
    public static final PassphrasePolicy DEFAULT = new PassphrasePolicy(null, Duration.ofSeconds(2), false);

    /** The same with a cost that somebody chose. */
    public PassphrasePolicy withCost(Argon2Cost chosen) {
        return new PassphrasePolicy(chosen, target, allowWeak);
    }

    /** The same for somebody who insists on a short passphrase. */
    public PassphrasePolicy allowingWeak() {
        return new PassphrasePolicy(cost, target, true);
    }
}

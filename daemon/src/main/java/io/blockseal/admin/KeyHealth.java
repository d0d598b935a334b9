package io.blockseal.admin;

import java.util.List;

/**
 * Whether the key source of a volume would still open it.
 *
 * @param standing one of {@link #STANDINGS}
 * @param verifiedSecondsAgo how long ago it did so last; 0 if nobody looks
 * @param refusals how many times in a row it has said no
 * @param graceSecondsLeft how long the volume is served on after a revocation; 0 if there was none, and below while an
 *     operator has it locked beyond that
 * @param service what becomes of the volume meanwhile
 * @param why what is the matter, in words for an operator; empty if nothing is
 */
public record KeyHealth(
        String standing,
        double verifiedSecondsAgo,
        int refusals,
        double graceSecondsLeft,
        Service service,
        String why) {
    /** What becomes of a volume that is open, as far as its key has to do with it. */
    public enum Service {
        /** It is served. */
        ON,
        /** An operator has locked it, and it is his to unlock; its key source is not asked meanwhile. */
        LOCKED,
        /** It is locked as its key is revoked, and unlocks by itself when that is given back. */
        ENDED,
        /** An operator has unlocked it by another key: it is served on until its key was given back and is revoked again. */
        OVERRULED
    }

    /** Of a volume whose key lies on this machine, or was typed. */
    public static final String UNWATCHED = "unwatched";
    /** Of a volume that waits for its key since the daemon has started. */
    public static final String AWAITED = "awaited";
    /** Of one that has waited for it, and does not fit its configuration: nobody asks any more. */
    public static final String GIVEN_UP = "given-up";

    /** All there are. */
    public static final List<String> STANDINGS =
            List.of(UNWATCHED, AWAITED, GIVEN_UP, "good", "in-doubt", "refused", "grace", "revoked");

    /** Nobody looks. */
    public static final KeyHealth NONE = new KeyHealth(UNWATCHED, 0, 0, 0, Service.ON, "");

    /** Of a volume that is not open: {@link #AWAITED} or {@link #GIVEN_UP}. */
    public static KeyHealth unopened(String standing, String why) {
        return new KeyHealth(standing, 0, 0, 0, Service.ON, why);
    }

    /** Whether there is nothing to tell. */
    public boolean isWell() {
        return standing.equals(UNWATCHED) || standing.equals("good");
    }

    /** Whether its source, outside this machine, has ever given the key to this daemon. */
    public boolean wasGiven() {
        return !standing.equals(UNWATCHED) && !standing.equals(AWAITED) && !standing.equals(GIVEN_UP);
    }
}

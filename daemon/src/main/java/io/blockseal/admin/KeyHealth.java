package io.blockseal.admin;

import java.util.List;

/**
 * Whether the key source of a volume would still open it.
 *
 * @param standing one of {@link #STANDINGS}
 * @param verifiedSecondsAgo how long ago it did so last; 0 if nobody looks
 * @param refusals how many times in a row it has said no
 * @param graceSecondsLeft how long the volume is served on after a revocation; 0 if there was none
 * @param why what is the matter, in words for an operator; empty if nothing is
 */
public record KeyHealth(String standing, double verifiedSecondsAgo, int refusals, double graceSecondsLeft, String why) {
    /** Of a volume whose key lies on this machine, or was typed. */
    public static final String UNWATCHED = "unwatched";
    /** Of a volume that waits for its key since the daemon has started. */
    public static final String AWAITED = "awaited";

    /** All there are. */
    static final List<String> STANDINGS =
            List.of(UNWATCHED, AWAITED, "good", "in-doubt", "refused", "grace", "revoked");

    /** Nobody looks. */
    public static final KeyHealth NONE = new KeyHealth(UNWATCHED, 0, 0, 0, "");

    /** Whether there is nothing to tell. */
    public boolean isWell() {
        return standing.equals(UNWATCHED) || standing.equals("good");
    }
}

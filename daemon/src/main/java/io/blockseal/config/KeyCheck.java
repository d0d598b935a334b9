package io.blockseal.config;

/**
 * How the daemon makes sure, while it serves a volume, that its key source would still open it, and what becomes of the
 * volume when the source says for good that it would not.
 *
 * @param pollSeconds how often the source is asked to unwrap the volume key
 * @param graceSeconds how long after a revocation the volume is served on
 * @param onRevocation what becomes of it then
 */
public record KeyCheck(int pollSeconds, int graceSeconds, OnRevocation onRevocation) {
    /** What becomes of a volume whose key was revoked. */
    public enum OnRevocation {
        /** Its keys leave the memory, and requests wait until the source opens it again. */
        FREEZE,
        /** Its keys leave the memory, and requests fail. */
        FAIL_IO,
        /** It is served on, as long as the daemon runs. */
        CONTINUE
    }

    /** Each five minutes; an hour, in which an operator notices a slip; then requests fail, as users of cloud disks know it. */
    public static final KeyCheck DEFAULT = new KeyCheck(300, 3600, OnRevocation.FAIL_IO);
}

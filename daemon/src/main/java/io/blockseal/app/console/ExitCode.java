package io.blockseal.app.console;

/** How a command ends; the numbers are for scripts and never change (docs/errors.md). */
public enum ExitCode {
    /** Done; after {@code serve}: asked to stop, and stopped in order. */
    OK(0, "done"),
    /** Something failed that has no number of its own. */
    FAILURE(1, "it failed; the message says why"),
    /** The command line is wrong. */
    USAGE(2, "the command line is wrong"),
    /** The key opens nothing in this volume. */
    WRONG_KEY(3, "wrong key or passphrase: it opens no key slot of the volume"),
    /** Not a volume, a damaged one, or not the one that was expected. */
    DAMAGED(4, "not a volume, a damaged one, or not the one that was expected"),
    /** Somebody else uses it. */
    IN_USE(5, "in use: the volume is open elsewhere, or an address is taken"),
    /** The configuration file is wrong. */
    CONFIG(6, "the configuration file is wrong"),
    /** The key cannot be had: missing, readable by others, malformed, unreachable. */
    KEY_SOURCE(7, "the key cannot be had: missing, readable by others, malformed, unreachable"),
    /** The daemon stopped, and not everything that was written is known to be on the disk. */
    STORAGE(8, "stopped, but the storage failed or did not answer: what was written last may be lost");

    private final int number;
    private final String meaning;

    ExitCode(int number, String meaning) {
        this.number = number;
        this.meaning = meaning;
    }

    /** The process's exit status. */
    public int number() {
        return number;
    }

    /** What it tells, in words. */
    public String meaning() {
        return meaning;
    }
}

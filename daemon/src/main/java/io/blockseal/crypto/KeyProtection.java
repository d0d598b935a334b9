package io.blockseal.crypto;

/** How well an engine keeps its keys; start-up says which of them holds. */
public enum KeyProtection {
    /** Keys and their schedules lie in locked memory that is in no core dump and no child process. */
    LOCKED("locked", "keys and key schedules in locked, undumpable memory"),
    /** Off the heap and wiped, but the system refused to lock the memory: it may reach swap. */
    UNLOCKED("unlocked", "keys off the heap and wiped after use, but the system refused to lock the memory"),
    /** On the Java heap: copies may survive until the collector overwrites them. */
    HEAP("heap", "keys on the Java heap, which cannot be locked or reliably wiped");

    private final String word;
    private final String explanation;

    KeyProtection(String word, String explanation) {
        this.word = word;
        this.explanation = explanation;
    }

    /** The word in {@code keys=...} of the start-up line. */
    public String word() {
        return word;
    }

    /** What that means, in a sentence. */
    public String explanation() {
        return explanation;
    }
}

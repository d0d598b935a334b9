package io.blockseal.format;

/** When a key slot is tried, among the others of its volume: the number on disk and the word for people. */
public enum KeySlotPriority {
    /** Never by itself: only if an operator names the slot, or gives its key for just that. */
    ON_REQUEST("on-request"),
    /** After those that come first, in the order of their numbers. */
    NORMAL("normal"),
    /** Before the others. */
    FIRST("first");

    /** All words, for messages. */
    public static final String WORDS = "first, normal, on-request";

    private final String word;

    KeySlotPriority(String word) {
        this.word = word;
    }

    /** The number on disk. */
    public int code() {
        return ordinal();
    }

    /** What operators write and read. */
    public String word() {
        return word;
    }

    /** By the number, 0 to 2. */
    public static KeySlotPriority ofCode(int code) {
        return values()[code];
    }

    /**
     * By the word.
     *
     * @throws IllegalArgumentException if it is none of them
     */
    public static KeySlotPriority ofWord(String word) {
        for (KeySlotPriority priority : values()) {
            if (priority.word.equals(word)) {
                return priority;
            }
        }
        throw new IllegalArgumentException("'" + word + "' is none of: " + WORDS);
    }
}

package io.blockseal.volume.header;

import io.blockseal.volume.table.RangeWord;

/**
 * What may be told of one range; no secret.
 *
 * @param index its number
 * @param state one of the constants of {@link RangeWord}
 * @param slot where it lies; 0 if it has no DEK
 * @param generation how many DEKs it has had
 * @param createdSeconds when its DEK was made, Unix time; 0 if it has none
 * @param encryptedBytes what was enciphered under the DEK, at least; 0 where nobody counted
 */
public record RangeInfo(long index, int state, long slot, long generation, long createdSeconds, long encryptedBytes) {
    /** The state in a word. */
    public String stateWord() {
        return switch (state) {
            case RangeWord.NONE -> "none";
            case RangeWord.ACTIVE -> "active";
            case RangeWord.SHREDDED -> "shredded";
            default -> "lost";
        };
    }
}

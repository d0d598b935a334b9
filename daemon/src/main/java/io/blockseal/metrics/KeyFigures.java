package io.blockseal.metrics;

/**
 * What a volume's key table says at one moment, added up over its ranges. Times are seconds of Unix time, so that ages can
 * be told later, too.
 *
 * @param none ranges that never had a DEK
 * @param active ranges that have one
 * @param shredded ranges whose DEK was destroyed
 * @param lost ranges whose entry cannot be read
 * @param oldestSeconds when the oldest DEK was made; 0 if there is none
 * @param medianSeconds when the DEK was made that half of them are not younger than; 0 if there is none
 * @param generationMax the most DEKs that a range has had
 * @param generationMedian how many DEKs a range has had that half of those with a DEK have no more than; 0 if there is none
 * @param encipheredBytes what was enciphered under all DEKs in use, at least
 * @param encipheredBytesMax what was enciphered under the one of them with the most, at least
 * @param madeSince how many DEKs were made at the time that was asked for, or later
 */
public record KeyFigures(
        long none,
        long active,
        long shredded,
        long lost,
        long oldestSeconds,
        long medianSeconds,
        long generationMax,
        long generationMedian,
        long encipheredBytes,
        long encipheredBytesMax,
        long madeSince) {}

package io.blockseal.config;

import java.util.Locale;

/** Sizes as operators write them: a whole number of bytes, or of K, M, G, T, P, each 1024 times the one before. */
public final class ByteSize {
    private static final String SUFFIXES = "KMGTP";

    private ByteSize() {}

    /**
     * Bytes of {@code 4096}, {@code 64M}, {@code 10G} or {@code 10GiB}, in upper or lower case.
     *
     * @throws IllegalArgumentException with a message that says what was found and what is expected
     */
    public static long parse(String text) {
        String trimmed = text.strip();
        int digits = 0;
        while (digits < trimmed.length() && trimmed.charAt(digits) >= '0' && trimmed.charAt(digits) <= '9') {
            digits++;
        }
        String suffix = trimmed.substring(digits).toUpperCase(Locale.ROOT);
        int shift = shiftOf(suffix);
        if (digits == 0 || shift < 0) {
            throw new IllegalArgumentException("'" + text
                    + "' is not a size: a whole number of bytes, or of K, M, G, T (powers of 1024), such as 10G");
        }
        try {
            return Math.multiplyExact(Long.parseLong(trimmed.substring(0, digits)), 1L << shift);
        } catch (ArithmeticException | NumberFormatException tooLarge) {
            throw new IllegalArgumentException("'" + text + "' is larger than any size can be (8191P)", tooLarge);
        }
    }

    /**
     * Bytes a second: a size, and {@code /s} behind it for who likes that. At least one.
     *
     * @throws IllegalArgumentException as {@link #parse}
     */
    public static long parseRate(String text) {
        long rate = parse(text.endsWith("/s") ? text.substring(0, text.length() - 2) : text);
        if (rate == 0) {
            throw new IllegalArgumentException("nothing would ever be done at '" + text + "'");
        }
        return rate;
    }

    /** Shift of a suffix, or -1. {@code KB} is refused, since half of the world means 1000 by it. */
    private static int shiftOf(String suffix) {
        if (suffix.isEmpty()) {
            return 0;
        }
        int index = SUFFIXES.indexOf(suffix.charAt(0));
        boolean whole = suffix.length() == 1 || suffix.substring(1).equals("IB");
        return index >= 0 && whole ? 10 * (index + 1) : -1;
    }

    /** The shortest exact form that {@link #parse} reads: {@code 10G}, {@code 4096}. */
    public static String exact(long bytes) {
        long number = bytes;
        int index = 0;
        while (number != 0 && number % 1024 == 0 && index < SUFFIXES.length()) {
            number /= 1024;
            index++;
        }
        return index == 0 ? Long.toString(number) : number + SUFFIXES.substring(index - 1, index);
    }

    /** For people, rounded to a tenth: {@code 10 GiB}, {@code 1.5 MiB}, {@code 512 bytes}. */
    public static String human(long bytes) {
        if (bytes < 1024) {
            return bytes == 1 ? "1 byte" : bytes + " bytes";
        }
        int index = Math.min((63 - Long.numberOfLeadingZeros(bytes)) / 10, SUFFIXES.length());
        double value = bytes / (double) (1L << (10 * index));
        String number = String.format(Locale.ROOT, "%.1f", value);
        if (number.endsWith(".0")) {
            number = number.substring(0, number.length() - 2);
        }
        return number + " " + SUFFIXES.charAt(index - 1) + "iB";
    }
}

package io.blockseal.keysource.exec;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a program says to people, fit for a terminal and a log: its first line, without what could be a key. A program that
 * shows the question which it could not read shows the volume key. Works on bytes, since a text cannot be wiped. Stateless.
 *
 * <p>Replaced by {@code […]} is every run of 16 or more characters of Base64, in either alphabet, escaped or not, or of
 * hexadecimal digits. From a row of 8 or more short numbers on, as dumps and debuggers print bytes, from a byte that is no
 * text, and from one that is escaped, the rest of the line is left out. Words stay: lower-case
 * letters, with a capital before at least two of them, a slash, a dash or an underscore between. One key in 10^9 looks like
 * that as a whole. A UUID stays, too, as names of keys are such; no key has its dashes there.
 */
final class PluginWords {
    private static final int RUN_MIN = 16;
    private static final int NUMBERS_MIN = 8;
    private static final int NUMBER_CHARACTERS_MAX = 10;
    private static final int GAP_MAX = 6;
    private static final String BETWEEN_NUMBERS = " \t,:;\"'|{}[]<>=";
    /** Of several lines, and of colours. */
    private static final String TEXT_CONTROLS = "\t\n\r\u001b";

    private static final int CAPITAL_COVERS = 2;
    private static final int CHARACTERS_MAX = 300;
    private static final int UUID_CHARACTERS = 36;
    private static final String UUID_DASHES = "^[^-]{8}-[^-]{4}-[^-]{4}-[^-]{4}-[^-]{12}$";
    private static final byte[] LEFT_OUT = "[…]".getBytes(StandardCharsets.UTF_8);

    private final byte[] said;
    private final int end;
    private final byte[] shown;
    private int length;

    private PluginWords(byte[] said, int from, int end) {
        this.said = said;
        this.end = end;
        // What is left out is longer than the mark in its place.
        this.shown = new byte[end];
        for (int at = from; at < end; ) {
            at = piece(at);
        }
    }

    /** The first line that is not blank; the caller wipes the bytes. */
    static String firstLine(byte[] said) {
        int from = 0;
        while (from < said.length && Character.isWhitespace(said[from])) {
            from++;
        }
        int end = from;
        while (end < said.length && said[end] != '\n' && said[end] != '\r') {
            end++;
        }
        String line = new PluginWords(said, from, end).text();
        return line.substring(0, Math.min(CHARACTERS_MAX, line.length()));
    }

    /** A text of its answer, whole. */
    static String of(String text) {
        byte[] said = text.getBytes(StandardCharsets.UTF_8);
        try {
            return new PluginWords(said, 0, said.length).text();
        } finally {
            Arrays.fill(said, (byte) 0);
        }
    }

    private String text() {
        String text = new String(shown, 0, length, StandardCharsets.UTF_8).strip();
        Arrays.fill(shown, (byte) 0);
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    /** Passes on, or leaves out, what begins at {@code at}; returns where the next begins. */
    private int piece(int at) {
        int charEnd = endOfCharacter(at);
        if (charEnd == at || isEscape(at) || isNumbers(at)) {
            // Bytes as such, or a dump of them: what follows may be their other half, or the same once more in letters.
            append(LEFT_OUT, 0, LEFT_OUT.length);
            return end;
        }
        if (charEnd > at + 1) {
            append(said, at, charEnd);
            return charEnd;
        }
        int runEnd = endOfRun(at);
        if (runEnd - at < RUN_MIN || isWords(at, runEnd) || isUuid(at, runEnd)) {
            int next = Math.max(runEnd, at + 1);
            append(said, at, next);
            return next;
        }
        append(LEFT_OUT, 0, LEFT_OUT.length);
        while (runEnd < end && said[runEnd] == '=') {
            runEnd++;
        }
        return runEnd;
    }

    private void append(byte[] from, int start, int stop) {
        System.arraycopy(from, start, shown, length, stop - start);
        length += stop - start;
    }

    private int endOfRun(int at) {
        int stop = at;
        while (stop < end && isOfRun(said[stop]) && !isEscape(stop)) {
            stop++;
        }
        return stop;
    }

    /** Backslash and percent sign are what a slash or a plus sign may be escaped by. */
    private static boolean isOfRun(byte b) {
        return isLower(b) || isUpper(b) || isDigit(b) || "+/-_\\%".indexOf(b) >= 0;
    }

    private boolean isWords(int from, int stop) {
        int lowerWanted = 0;
        for (int i = from; i < stop; i++) {
            byte b = said[i];
            if (isLower(b)) {
                lowerWanted = Math.max(0, lowerWanted - 1);
            } else if (lowerWanted > 0) {
                return false;
            } else if (isUpper(b)) {
                lowerWanted = CAPITAL_COVERS;
            } else if ("/-_".indexOf(b) < 0) {
                return false;
            }
        }
        return lowerWanted == 0;
    }

    private boolean isUuid(int from, int stop) {
        if (stop - from != UUID_CHARACTERS) {
            return false;
        }
        byte[] dashes = new byte[UUID_CHARACTERS];
        for (int i = 0; i < UUID_CHARACTERS; i++) {
            byte b = said[from + i];
            if (b != '-' && !isHex(b)) {
                return false;
            }
            dashes[i] = b == '-' ? b : (byte) '0';
        }
        return new String(dashes, StandardCharsets.US_ASCII).matches(UUID_DASHES);
    }

    /** Where the character ends that begins at {@code at}; {@code at} itself if it is no text in UTF-8. */
    private int endOfCharacter(int at) {
        int first = said[at] & 0xff;
        if (first < 0x80) {
            return (first >= ' ' && first < 0x7f) || TEXT_CONTROLS.indexOf(first) >= 0 ? at + 1 : at;
        }
        int bytes = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first < 0xc2 || first >= 0xf5 || at + bytes > end) {
            return at;
        }
        for (int i = at + 1; i < at + bytes; i++) {
            if ((said[i] & 0xc0) != 0x80) {
                return at;
            }
        }
        return at + bytes;
    }

    /** Of C, Python or JSON, in hexadecimal or octal digits: how they show a byte that is no letter. */
    private boolean isEscape(int at) {
        if (said[at] != '\\' || at + 2 >= end) {
            return false;
        }
        return isDigit(said[at + 1]) || ("xuU".indexOf(said[at + 1]) >= 0 && isHex(said[at + 2]) && !isLetter(at));
    }

    /** As a plus sign in JSON, which belongs to the run that it stands in. */
    private boolean isLetter(int at) {
        return said[at + 1] == 'u'
                && at + 4 < end
                && said[at + 2] == '0'
                && said[at + 3] == '0'
                && said[at + 4] >= '2'
                && said[at + 4] <= '7';
    }

    /** Whether a row of numbers begins at {@code at}. */
    private boolean isNumbers(int at) {
        int count = 0;
        int next = at;
        while (next < end) {
            int runEnd = endOfRun(next);
            if (!isNumber(next, runEnd)) {
                break;
            }
            count++;
            next = runEnd;
            while (next < end && next - runEnd < GAP_MAX && BETWEEN_NUMBERS.indexOf(said[next]) >= 0) {
                next++;
            }
            if (next == runEnd) {
                break;
            }
        }
        return count >= NUMBERS_MIN;
    }

    private boolean isNumber(int from, int stop) {
        for (int i = from; i < stop; i++) {
            if (!isHex(said[i]) && "xX-".indexOf(said[i]) < 0) {
                return false;
            }
        }
        return stop > from && stop - from <= NUMBER_CHARACTERS_MAX;
    }

    private static boolean isLower(byte b) {
        return b >= 'a' && b <= 'z';
    }

    private static boolean isUpper(byte b) {
        return b >= 'A' && b <= 'Z';
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private static boolean isHex(byte b) {
        return isDigit(b) || (b >= 'a' && b <= 'f') || (b >= 'A' && b <= 'F');
    }
}

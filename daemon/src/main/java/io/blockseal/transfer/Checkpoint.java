package io.blockseal.transfer;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How far an unfinished transfer is known to have come, durably: everything before {@code offset} is on the target.
 *
 * @param source the source as it was at the beginning
 * @param target the target as it was at the beginning
 * @param lengthBytes how much is to be copied
 * @param offset up to where it is done
 * @param blank whether the target was all zeros at the beginning, so that zeros need not be written
 * @param sum SHA-256 of the source before {@code offset}, in hex; empty if nobody wanted one
 */
record Checkpoint(Fingerprint source, Fingerprint target, long lengthBytes, long offset, boolean blank, String sum) {
    private static final String HEAD = "blockseal transfer 1";

    /** The same transfer, further on. */
    Checkpoint at(long newOffset, String newSum) {
        return new Checkpoint(source, target, lengthBytes, newOffset, blank, newSum);
    }

    /** As lines of ASCII. */
    String text() {
        return HEAD
                + "\nsource " + source.text()
                + "\ntarget " + target.text()
                + "\nlength " + lengthBytes
                + "\noffset " + offset
                + "\nblank " + blank
                + "\nsum " + sum;
    }

    /**
     * From {@link #text}.
     *
     * @throws IllegalArgumentException if it is anything else; the message says what is wrong
     */
    static Checkpoint parse(String text) {
        String[] lines = text.split("\n");
        if (!lines[0].equals(HEAD)) {
            throw new IllegalArgumentException("it does not begin with \"" + HEAD + "\"");
        }
        Map<String, String> fields = new LinkedHashMap<>();
        for (int i = 1; i < lines.length; i++) {
            int blank = lines[i].indexOf(' ');
            fields.put(
                    blank < 0 ? lines[i] : lines[i].substring(0, blank),
                    blank < 0 ? "" : lines[i].substring(blank + 1));
        }
        long length = number(fields, "length");
        long offset = number(fields, "offset");
        String sum = field(fields, "sum");
        if (offset > length || !(sum.isEmpty() || sum.matches("[0-9a-f]{64}"))) {
            throw new IllegalArgumentException("its offset or its sum makes no sense");
        }
        return new Checkpoint(
                Fingerprint.parse(field(fields, "source")),
                Fingerprint.parse(field(fields, "target")),
                length,
                offset,
                Boolean.parseBoolean(field(fields, "blank")),
                sum);
    }

    private static long number(Map<String, String> fields, String name) {
        String value = field(fields, name);
        if (!value.matches("[0-9]{1,18}")) {
            throw new IllegalArgumentException("its " + name + " is no number");
        }
        return Long.parseLong(value);
    }

    private static String field(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null) {
            throw new IllegalArgumentException("it has no " + name);
        }
        return value;
    }
}

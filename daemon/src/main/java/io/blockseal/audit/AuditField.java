package io.blockseal.audit;

import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;

/**
 * One {@code name=value} of an audit line. A value that could be mistaken for more than one, because of a space, a quote
 * or a control character in it, is put in quotes and escaped: nobody may write a second line by way of a file name.
 *
 * <p>There is a way to make one of everything that may be told, and of nothing else: no key, and nothing that could have
 * one in it, becomes a field by accident.
 *
 * @param name a word of lower-case letters and hyphens
 * @param value what to tell, without quotes; never a secret
 */
public record AuditField(String name, String value) {
    /** What strangers may make of a line: a key source chooses how it calls a request. */
    private static final int VALUE_CHARS_MAX = 4096;
    /** What each line of a file has by itself. */
    private static final Set<String> TAKEN = Set.of("seq", "time", "event", "prev", "hash");

    /** Checks the name, and cuts a value that is longer than any that we make. */
    public AuditField {
        if (!name.matches("[a-z][a-z-]*") || TAKEN.contains(name)) {
            throw new IllegalArgumentException("an audit field is called '" + name + "'");
        }
        if (value.length() > VALUE_CHARS_MAX) {
            value = value.substring(0, VALUE_CHARS_MAX) + "...";
        }
    }

    /** A word. */
    public static AuditField of(String name, String value) {
        return new AuditField(name, value);
    }

    /** A number. */
    public static AuditField of(String name, long value) {
        return new AuditField(name, Long.toString(value));
    }

    /** Yes or no. */
    public static AuditField of(String name, boolean value) {
        return new AuditField(name, Boolean.toString(value));
    }

    /** A volume. */
    public static AuditField of(String name, UUID value) {
        return new AuditField(name, value.toString());
    }

    /** A file. */
    public static AuditField of(String name, Path value) {
        return new AuditField(name, value.toString());
    }

    /** One of a few, as its name is written in the code. */
    public static AuditField of(String name, Enum<?> value) {
        return new AuditField(name, value.name());
    }

    /** As it stands in the line. */
    @Override
    public String toString() {
        return name + "=" + (isPlain(value) ? value : quoted(value));
    }

    private static boolean isPlain(String value) {
        return !value.isEmpty()
                && value.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=');
    }

    private static String quoted(String value) {
        StringBuilder text = new StringBuilder("\"");
        value.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                text.append('\\').append((char) c);
            } else if (isUnfit(c)) {
                text.append(String.format("\\u%04x", c));
            } else {
                text.appendCodePoint(c);
            }
        });
        return text.append('"').toString();
    }

    /** Whether it would not be seen, would change how the rest looks, or cannot be written at all. */
    static boolean isUnfit(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> true;
            default -> false;
        };
    }
}

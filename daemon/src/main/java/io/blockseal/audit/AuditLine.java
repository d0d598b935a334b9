package io.blockseal.audit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One line of an {@link AuditFile}: a JSON object whose last member is the SHA-256 of all of the line that stands before
 * that member, and whose last but one is the hash of the line before. The bytes are hashed as they stand, so whoever
 * checks a line needs no JSON and no rules about blanks (docs/audit.md).
 *
 * @param seq counts lines from 1, over all files that a log has had
 * @param event its word
 * @param prev the hash of the line before; {@link #NONE} in the first of all
 * @param hash its own
 * @param text the line without its end, one character a byte
 */
record AuditLine(long seq, String event, String prev, String hash, String text) {
    /** What the first line of a log says of the one before. */
    static final String NONE = "0".repeat(64);

    // A dot is any byte: UTF-8 has some that would end a line in other places.
    private static final Pattern SHAPE = Pattern.compile(
            "\\{\"seq\":([1-9][0-9]{0,17}),\"time\":\"[0-9TZ:.-]{20,30}\",\"event\":\"([a-z-]+)\",.*"
                    + "\"prev\":\"([0-9a-f]{64})\",\"hash\":\"([0-9a-f]{64})\"}",
            Pattern.DOTALL);

    /** The line that follows the one with that number and hash. */
    static AuditLine after(long seq, String prev, AuditRecord record) {
        StringBuilder json = new StringBuilder("{\"seq\":").append(seq + 1);
        member(json, "time", record.time().toString());
        member(json, "event", record.event().word());
        for (AuditField field : record.fields()) {
            member(json, field.name(), field.value());
        }
        member(json, "prev", prev);
        // One character a byte from here on, as when it is read.
        String hashed = new String(json.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        String hash = sha256(hashed);
        return new AuditLine(seq + 1, record.event().word(), prev, hash, hashed + ",\"hash\":\"" + hash + "\"}");
    }

    /** What such a line says of itself, true or not; null if it is none. */
    static @Nullable AuditLine parse(String text) {
        Matcher shape = SHAPE.matcher(text);
        return shape.matches()
                ? new AuditLine(Long.parseLong(shape.group(1)), shape.group(2), shape.group(3), shape.group(4), text)
                : null;
    }

    /** Whether the hash is that of the text. */
    boolean isWhole() {
        return sha256(text.substring(0, text.length() - hash.length() - ",\"hash\":\"\"}".length()))
                .equals(hash);
    }

    boolean is(AuditEvent which) {
        return event.equals(which.word());
    }

    /** As it stands in the file. */
    byte[] bytes() {
        return (text + "\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }

    private static void member(StringBuilder json, String name, String value) {
        json.append(",\"").append(name).append("\":\"");
        value.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                json.append('\\').append((char) c);
            } else if (AuditField.isUnfit(c)) {
                for (char half : Character.toChars(c)) {
                    json.append(String.format("\\u%04x", (int) half));
                }
            } else {
                json.appendCodePoint(c);
            }
        });
        json.append('"');
    }
}

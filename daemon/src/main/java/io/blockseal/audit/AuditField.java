package io.blockseal.audit;

/**
 * One {@code name=value} of an audit line. A value that could be mistaken for more than one, because of a space, a quote
 * or a control character in it, is put in quotes and escaped: nobody may write a second line by way of a file name.
 *
 * @param name a word of lower-case letters and hyphens
 * @param value what to tell, without quotes; never a secret
 */
public record AuditField(String name, String value) {
    /** Checks the name. */
    public AuditField {
        if (!name.matches("[a-z][a-z-]*")) {
            throw new IllegalArgumentException("an audit field is called '" + name + "'");
        }
    }

    /** A field of anything that says what it is by {@code toString}. */
    public static AuditField of(String name, Object value) {
        return new AuditField(name, String.valueOf(value));
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
            } else if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
                text.append(String.format("\\u%04x", c));
            } else {
                text.appendCodePoint(c);
            }
        });
        return text.append('"').toString();
    }
}

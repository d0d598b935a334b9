package io.blockseal.keysource;

import io.blockseal.keysource.KeySourceException.Kind;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The place of a source outside the process, {@code ADDRESS?NAME=VALUE&NAME=VALUE}, taken apart: each source takes the
 * options that it knows, and {@link #requireAllTaken} refuses the rest, so that no slip of the pen is ignored. Values are
 * percent-encoded. Options name files with secrets, never secrets themselves. On one thread.
 */
public final class SourceUri {
    private final KeySourceSpec spec;
    private final String address;
    private final Map<String, List<String>> options = new LinkedHashMap<>();
    private final TreeSet<String> known = new TreeSet<>();

    private SourceUri(KeySourceSpec spec, String address) {
        this.spec = spec;
        this.address = address;
    }

    /**
     * Takes a place apart.
     *
     * @throws KeySourceException if it has no address, or an option without a value
     */
    public static SourceUri of(KeySourceSpec spec) throws KeySourceException {
        String place = spec.place();
        int mark = place.indexOf('?');
        SourceUri uri = new SourceUri(spec, mark < 0 ? place : place.substring(0, mark));
        if (uri.address.isEmpty()) {
            throw uri.wrong("has no address");
        }
        uri.takeOptions(mark);
        return uri;
    }

    /**
     * Likewise of a place that is nothing but options.
     *
     * @throws KeySourceException if it has an address, or an option without a value
     */
    public static SourceUri withoutAddress(KeySourceSpec spec) throws KeySourceException {
        SourceUri uri = new SourceUri(spec, "");
        if (!spec.place().startsWith("?")) {
            throw uri.wrong("has an address, and is named by its options alone");
        }
        uri.takeOptions(0);
        return uri;
    }

    private void takeOptions(int mark) throws KeySourceException {
        if (mark >= 0) {
            for (String pair : spec.place().substring(mark + 1).split("&", -1)) {
                int equals = pair.indexOf('=');
                if (equals < 1) {
                    throw wrong("has '" + pair + "' where an option NAME=VALUE belongs");
                }
                options.computeIfAbsent(pair.substring(0, equals), unused -> new ArrayList<>())
                        .add(decode(pair.substring(equals + 1)));
            }
        }
    }

    private String decode(String value) throws KeySourceException {
        try {
            // A plus stands for itself here, as in every URI that is not a form.
            return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException malformed) {
            throw wrong("has a malformed percent sign in '" + value + "'; write %25 for a percent sign");
        }
    }

    /** What stands before the question mark. */
    public String address() {
        return address;
    }

    /** Scheme and address: what a key slot and messages say of the place. */
    public String reference() {
        return spec.scheme() + ":" + address;
    }

    /** All values of an option that may be given more than once, in their order. */
    public List<String> texts(String name) {
        known.add(name);
        return options.getOrDefault(name, List.of());
    }

    /** The value, or null if it is not given. */
    public @Nullable String text(String name) throws KeySourceException {
        List<String> values = texts(name);
        if (values.size() > 1) {
            throw wrong("has the option '" + name + "' " + values.size() + " times");
        }
        return values.isEmpty() ? null : values.get(0);
    }

    /** The value, or {@code otherwise}. */
    public String text(String name, String otherwise) throws KeySourceException {
        String value = text(name);
        return value == null ? otherwise : value;
    }

    /** Likewise one of a few words. */
    public String word(String name, String otherwise, String... words) throws KeySourceException {
        String value = text(name, otherwise);
        if (!List.of(words).contains(value)) {
            throw wrong("has " + name + "=" + value + ", which is none of " + String.join(", ", words));
        }
        return value;
    }

    /** A file, or null. */
    public @Nullable Path path(String name) throws KeySourceException {
        String value = text(name);
        try {
            return value == null ? null : Path.of(value);
        } catch (InvalidPathException notAPath) {
            throw wrong("has " + name + "=" + value + ", which is not a path");
        }
    }

    /** A whole number between two others. */
    public int number(String name, int otherwise, int min, int max) throws KeySourceException {
        String value = text(name);
        if (value == null) {
            return otherwise;
        }
        if (value.matches("\\d{1,9}")) {
            int number = Integer.parseInt(value);
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw wrong("has " + name + "=" + value + ", which is no whole number from " + min + " to " + max);
    }

    /** Whether an option says {@code true}. */
    public boolean flag(String name) throws KeySourceException {
        return word(name, "false", "true", "false").equals("true");
    }

    /** Refuses options that nobody has asked for. */
    public void requireAllTaken() throws KeySourceException {
        for (String name : options.keySet()) {
            if (!known.contains(name)) {
                throw wrong("has no option '" + name + "'; it has "
                        + (known.isEmpty() ? "none" : String.join(", ", known)));
            }
        }
    }

    /** What is wrong with this place, in words that go on after its name. */
    public KeySourceException wrong(String what) {
        return new KeySourceException(Kind.MISCONFIGURED, "key source " + reference() + " " + what);
    }
}

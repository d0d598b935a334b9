package io.blockseal.control;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a verb is told, by name: texts, whole numbers, switches, lists of texts, groups of the same, and secrets. The same
 * object whether it came through the socket or from a command line. Closing it wipes the secrets that nobody took. For one
 * thread at a time.
 */
public final class Arguments implements AutoCloseable {
    private final String name;
    private final Map<String, Object> values = new LinkedHashMap<>();
    private final Set<String> asked = new TreeSet<>();

    /** None so far. */
    public Arguments() {
        this("");
    }

    Arguments(String name) {
        this.name = name;
    }

    /**
     * Reads the body of a request: nothing, or one JSON object. Secrets are what is called {@code secret}, in base64.
     *
     * @param body stays the caller's, who wipes it
     */
    public static Arguments parse(byte[] body) throws ArgumentException {
        return ArgumentReader.read(body);
    }

    // Put in.

    /** With a text, unless it is null. */
    public Arguments text(String key, @Nullable String value) {
        if (value != null) {
            put(key, value);
        }
        return this;
    }

    /** With a whole number. */
    public Arguments number(String key, long value) {
        put(key, value);
        return this;
    }

    /** With a switch that is on, if it is. */
    public Arguments flag(String key, boolean value) {
        if (value) {
            put(key, true);
        }
        return this;
    }

    /** With a list of texts, unless it is empty. */
    public Arguments texts(String key, List<String> value) {
        if (!value.isEmpty()) {
            put(key, List.copyOf(value));
        }
        return this;
    }

    /** With a group, unless it is null; it is closed with this. */
    public Arguments group(String key, @Nullable Arguments group) {
        if (group != null) {
            put(key, group);
        }
        return this;
    }

    /** With a secret called {@code secret}, which is ours from now on. */
    public Arguments secret(byte[] secret) {
        put(ArgumentReader.SECRET, secret);
        return this;
    }

    void put(String key, Object value) {
        values.put(key, value);
    }

    // Take out.

    /** A text, or null. */
    public @Nullable String text(String key) throws ArgumentException {
        return get(key, String.class, "a text");
    }

    /** A text that must be there. */
    public String requireText(String key) throws ArgumentException {
        String value = text(key);
        if (value == null) {
            throw new ArgumentException("'" + whole(key) + "' is missing");
        }
        return value;
    }

    /** A whole number. */
    public long number(String key, long otherwise, long min, long max) throws ArgumentException {
        Long value = get(key, Long.class, "a whole number");
        if (value == null) {
            return otherwise;
        }
        if (value < min || value > max) {
            throw new ArgumentException("'" + whole(key) + "' is " + value + "; it must be from " + min + " to " + max);
        }
        return value;
    }

    /** A whole number that must be there. */
    public long requireNumber(String key, long min, long max) throws ArgumentException {
        if (!values.containsKey(key)) {
            throw new ArgumentException("'" + whole(key) + "' is missing");
        }
        return number(key, min, min, max);
    }

    /** A switch, off if it is not there. */
    public boolean flag(String key) throws ArgumentException {
        Boolean value = get(key, Boolean.class, "true or false");
        return value != null && value;
    }

    /** A list of texts, empty if it is not there. */
    public List<String> texts(String key) throws ArgumentException {
        List<?> value = get(key, List.class, "a list of texts");
        List<String> texts = new ArrayList<>();
        for (Object each : value == null ? List.of() : value) {
            texts.add(String.valueOf(each));
        }
        return texts;
    }

    /** A group, or null. It stays ours. */
    public @Nullable Arguments group(String key) throws ArgumentException {
        return get(key, Arguments.class, "an object");
    }

    /** The secret, which is the caller's from now on and is wiped by it; null if there is none, or no longer. */
    public byte @Nullable [] takeSecret() {
        asked.add(ArgumentReader.SECRET);
        return values.remove(ArgumentReader.SECRET) instanceof byte[] secret ? secret : null;
    }

    private <T> @Nullable T get(String key, Class<T> type, String expected) throws ArgumentException {
        asked.add(key);
        Object value = values.get(key);
        if (value == null) {
            return null;
        }
        if (!type.isInstance(value)) {
            throw new ArgumentException("'" + whole(key) + "' is not " + expected);
        }
        return type.cast(value);
    }

    private String whole(String key) {
        return name.isEmpty() ? key : name + "." + key;
    }

    /**
     * Refuses what nobody asked for: a misspelt argument must not be one that is left out. To be called before anything is
     * changed.
     *
     * @param alsoKnown what is taken by whoever it is for, or by nobody
     */
    public void requireAllKnown(Set<String> alsoKnown) throws ArgumentException {
        for (Map.Entry<String, Object> value : values.entrySet()) {
            if (alsoKnown.contains(value.getKey())) {
                continue;
            }
            if (!asked.contains(value.getKey())) {
                throw new ArgumentException("'" + whole(value.getKey()) + "' is unknown here; known are: "
                        + String.join(", ", asked.isEmpty() ? List.of("none") : asked));
            }
            if (value.getValue() instanceof Arguments group) {
                group.requireAllKnown(Set.of());
            }
        }
    }

    // Send and remember.

    /** As JSON, with secrets: to be sent, and wiped. */
    public byte[] encode() {
        WipedBytes bytes = new WipedBytes();
        try {
            write(bytes, true);
            return bytes.toByteArray();
        } finally {
            bytes.wipe();
        }
    }

    /** As JSON without secrets: to be remembered. */
    public String json() {
        WipedBytes bytes = new WipedBytes();
        write(bytes, false);
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private void write(ByteArrayOutputStream bytes, boolean secrets) {
        try (JsonGenerator json = ArgumentReader.JSON.createGenerator(bytes)) {
            write(json, secrets);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    private void write(JsonGenerator json, boolean secrets) throws IOException {
        json.writeStartObject();
        for (Map.Entry<String, Object> value : values.entrySet()) {
            if (value.getValue() instanceof byte[] secret) {
                if (secrets) {
                    json.writeFieldName(value.getKey());
                    json.writeBinary(secret);
                }
                continue;
            }
            json.writeFieldName(value.getKey());
            if (value.getValue() instanceof Arguments group) {
                group.write(json, secrets);
            } else if (value.getValue() instanceof List<?> list) {
                json.writeStartArray();
                for (Object each : list) {
                    json.writeString(String.valueOf(each));
                }
                json.writeEndArray();
            } else if (value.getValue() instanceof Long number) {
                json.writeNumber(number);
            } else if (value.getValue() instanceof Boolean flag) {
                json.writeBoolean(flag);
            } else {
                json.writeString(String.valueOf(value.getValue()));
            }
        }
        json.writeEndObject();
    }

    /** Wipes the secrets that nobody took. A second call does nothing. */
    @Override
    public void close() {
        for (Object value : values.values()) {
            if (value instanceof byte[] secret) {
                Arrays.fill(secret, (byte) 0);
            } else if (value instanceof Arguments group) {
                group.close();
            }
        }
        values.values().removeIf(value -> value instanceof byte[]);
    }

    /** Names only: values may be secret. */
    @Override
    public String toString() {
        return values.keySet().toString();
    }

    /** Its own copy can be wiped. */
    private static final class WipedBytes extends ByteArrayOutputStream {
        void wipe() {
            Arrays.fill(buf, (byte) 0);
        }
    }
}

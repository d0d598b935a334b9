package io.blockseal.crypto;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Reads the files of published vectors, which lie beside their licences in {@code vectors/}. */
public final class Vectors {
    private Vectors() {}

    /** One vector: field names in lower case, and values as they stand in the file. */
    public static final class Vector {
        private final Map<String, String> fields = new LinkedHashMap<>();

        /** A field's text. */
        public String text(String name) {
            String value = fields.get(name);
            if (value == null) {
                throw new AssertionError("no field " + name + " in " + fields);
            }
            return value;
        }

        /** A field in hexadecimal; quotes around nothing are allowed. */
        public byte[] bytes(String name) {
            return HexFormat.of().parseHex(text(name));
        }

        /** A field as a number. */
        public int number(String name) {
            return Integer.parseInt(text(name));
        }

        /** Whether there is such a field. */
        public boolean has(String name) {
            return fields.containsKey(name);
        }

        /** Whether an implementation must accept the vector. */
        public boolean isValid() {
            return "valid".equals(fields.get("result"));
        }

        @Override
        public String toString() {
            return fields.toString();
        }
    }

    /** The tests of a Wycheproof file. */
    public static List<Vector> wycheproof(String name) {
        List<Vector> vectors = new ArrayList<>();
        for (JsonNode test : json(name).get("tests")) {
            Vector vector = new Vector();
            test.fieldNames()
                    .forEachRemaining(field -> vector.fields.put(
                            field.toLowerCase(Locale.ROOT), test.get(field).asText()));
            vectors.add(vector);
        }
        return vectors;
    }

    /** A field of a Wycheproof file that stands for all of its tests, in hexadecimal. */
    public static byte[] wycheproofHead(String name, String field) {
        return HexFormat.of().parseHex(json(name).get(field).asText());
    }

    /** The blocks of "name = value" lines in a file; a line in brackets becomes the field "section" of what follows. */
    public static List<Vector> blocks(String name) {
        List<Vector> vectors = new ArrayList<>();
        String section = "";
        Vector vector = new Vector();
        for (String line : (new String(resource(name), StandardCharsets.UTF_8) + "\n\n").split("\n", -1)) {
            int equals = line.indexOf('=');
            if (line.isBlank() && vector.fields.size() > 3) {
                vector.fields.put("section", section);
                vectors.add(vector);
                vector = new Vector();
            } else if (line.startsWith("[")) {
                section = line.substring(1, line.indexOf(']'));
            } else if (equals > 0 && !line.startsWith("#")) {
                vector.fields.put(
                        line.substring(0, equals).strip().toLowerCase(Locale.ROOT),
                        line.substring(equals + 1).strip());
            }
        }
        return vectors;
    }

    /** The lines of a file that are not comments. */
    public static List<String> lines(String name) {
        return new String(resource(name), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();
    }

    private static JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(resource("wycheproof-" + name + ".json"));
        } catch (IOException e) {
            throw new AssertionError(name, e);
        }
    }

    private static byte[] resource(String name) {
        try (InputStream in = Vectors.class.getResourceAsStream("/vectors/" + name)) {
            if (in == null) {
                throw new AssertionError("no test resource vectors/" + name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(name, e);
        }
    }
}

package io.blockseal.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * From JSON to {@link Arguments}: one object, at most three deep, without numbers that are not whole, null, or a name that
 * comes twice. What is wrong is told by its place, never by its value.
 */
final class ArgumentReader {
    static final String SECRET = "secret";
    /** No buffer of this parser is used again for anything else: a secret may have lain in it. */
    static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(4)
                    .maxNumberLength(20)
                    .maxNameLength(64)
                    .maxStringLength(16_384)
                    .build())
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
            .build();

    private static final int TEXTS_MAX = 1024;

    private ArgumentReader() {}

    static Arguments read(byte[] body) throws ArgumentException {
        Arguments arguments = new Arguments();
        boolean whole = false;
        try (JsonParser json = JSON.createParser(body)) {
            JsonToken first = json.nextToken();
            if (first == JsonToken.START_OBJECT) {
                object(json, arguments, "");
            } else if (first != null) {
                throw new ArgumentException("the body is not a JSON object");
            }
            if (first != null && json.nextToken() != null) {
                throw new ArgumentException("there is something after the JSON object");
            }
            whole = true;
            return arguments;
        } catch (JsonProcessingException wrong) {
            throw new ArgumentException(place(wrong), wrong);
        } catch (IOException wrong) {
            throw new ArgumentException("the body cannot be read", wrong);
        } finally {
            if (!whole) {
                arguments.close();
            }
        }
    }

    /** Not the library's message, which quotes what it found. */
    private static String place(JsonProcessingException wrong) {
        return "the body is not JSON as it is taken here"
                + (wrong.getLocation() == null
                        ? ""
                        : ": see line " + wrong.getLocation().getLineNr() + ", column "
                                + wrong.getLocation().getColumnNr());
    }

    private static void object(JsonParser json, Arguments into, String name) throws IOException, ArgumentException {
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String key = json.currentName();
            if (key == null) {
                throw new ArgumentException("the body ends within an object");
            }
            value(json, into, key, name.isEmpty() ? key : name + "." + key);
        }
    }

    private static void value(JsonParser json, Arguments into, String key, String whole)
            throws IOException, ArgumentException {
        JsonToken token = json.nextToken();
        if (token == null) {
            throw new ArgumentException("the body ends within an object");
        }
        if (key.equals(SECRET)) {
            if (token != JsonToken.VALUE_STRING) {
                throw new ArgumentException("'" + whole + "' is not a text in base64");
            }
            into.put(key, json.getBinaryValue());
            return;
        }
        switch (token) {
            case VALUE_STRING -> into.put(key, json.getText());
            case VALUE_NUMBER_INT -> into.put(key, json.getLongValue());
            case VALUE_TRUE -> into.put(key, true);
            case VALUE_FALSE -> into.put(key, false);
            case START_ARRAY -> into.put(key, texts(json, whole));
            case START_OBJECT -> {
                Arguments group = new Arguments(whole);
                into.put(key, group);
                object(json, group, whole);
            }
            default ->
                throw new ArgumentException(
                        "'" + whole + "' is neither a text nor a whole number, a switch, a" + " list or an object");
        }
    }

    private static List<String> texts(JsonParser json, String whole) throws IOException, ArgumentException {
        List<String> texts = new ArrayList<>();
        JsonToken token = json.nextToken();
        while (token != JsonToken.END_ARRAY) {
            if (token != JsonToken.VALUE_STRING && token != JsonToken.VALUE_NUMBER_INT) {
                throw new ArgumentException("'" + whole + "' has something in it that is neither a text nor a number");
            }
            if (texts.size() == TEXTS_MAX) {
                throw new ArgumentException("'" + whole + "' has more than " + TEXTS_MAX + " elements");
            }
            texts.add(json.getText());
            token = json.nextToken();
        }
        return texts;
    }
}

package io.blockseal.keysource.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a key source answered, in JSON: texts, numbers and flags by their path ({@code data.ciphertext}; the third element
 * of a list is {@code list.2}), and one key, which goes from the bytes of the answer straight into the arena. The caller
 * wipes those bytes. On one thread.
 */
public final class KeyReply implements AutoCloseable {
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(32).build())
            .build();

    private final Map<String, String> values = new HashMap<>();
    private @Nullable Secret key;

    private KeyReply() {}

    /**
     * Reads an answer without a key.
     *
     * @throws IOException if it is not a JSON object
     */
    public static KeyReply of(byte[] body) throws IOException {
        KeyReply reply = new KeyReply();
        reply.readQuietly(body, null, null, null);
        return reply;
    }

    /**
     * Reads an answer with a key of 32 bytes at {@code keyPath}, if it is there.
     *
     * @throws IOException if it is not a JSON object, or if what stands there is not such a key
     */
    public static KeyReply of(byte[] body, String keyPath, Base64.Decoder alphabet, CryptoEngine engine)
            throws IOException {
        KeyReply reply = new KeyReply();
        boolean whole = false;
        try {
            reply.readQuietly(body, keyPath, alphabet, engine);
            whole = true;
            return reply;
        } finally {
            if (!whole) {
                reply.close();
            }
        }
    }

    /** Says where it is no JSON, but not what stands there: that may be a key. */
    private void readQuietly(
            byte[] body, @Nullable String keyPath, Base64.@Nullable Decoder alphabet, @Nullable CryptoEngine engine)
            throws IOException {
        try {
            read(body, keyPath, alphabet, engine);
        } catch (JsonProcessingException malformed) {
            JsonLocation place = malformed.getLocation();
            throw new IOException("not JSON" + (place == null ? "" : " (byte " + place.getByteOffset() + ")"));
        }
    }

    private void read(
            byte[] body, @Nullable String keyPath, Base64.@Nullable Decoder alphabet, @Nullable CryptoEngine engine)
            throws IOException {
        try (JsonParser parser = JSON.createParser(body)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not a JSON object");
            }
            JsonToken token = parser.nextToken();
            while (!parser.getParsingContext().inRoot()) {
                if (token.isScalarValue()) {
                    value(body, parser, token, keyPath, alphabet, engine);
                }
                token = parser.nextToken();
            }
        }
    }

    private void value(
            byte[] body,
            JsonParser parser,
            JsonToken token,
            @Nullable String keyPath,
            Base64.@Nullable Decoder alphabet,
            @Nullable CryptoEngine engine)
            throws IOException {
        String here = pathOf(parser);
        if (here.equals(keyPath) && alphabet != null && engine != null) {
            if (token != JsonToken.VALUE_STRING || key != null) {
                throw new IOException("'" + here + "' is not one key");
            }
            take(body, parser, here, alphabet, engine);
        } else if (token != JsonToken.VALUE_NULL) {
            values.put(here, parser.getText());
        }
    }

    /** Where the parser stands. */
    private static String pathOf(JsonParser parser) {
        StringJoiner path = new StringJoiner(".");
        for (JsonPointer at = parser.getParsingContext().pathAsPointer(); !at.matches(); at = at.tail()) {
            path.add(at.getMatchingProperty());
        }
        return path.toString();
    }

    private void take(byte[] body, JsonParser parser, String here, Base64.Decoder alphabet, CryptoEngine engine)
            throws IOException {
        // The parser has not looked at the text yet, and passes over it when it is asked for the next token.
        int quote = (int) parser.currentTokenLocation().getByteOffset();
        byte[] raw = Base64Key.decode(body, quote, alphabet, here);
        try {
            if (raw.length != 32) {
                throw new IOException("'" + here + "' has " + raw.length + " bytes, and a volume key has 32");
            }
            Secret secret = Secret.empty(engine.keys());
            engine.keys().put(secret.key(), ByteBuffer.wrap(raw));
            key = secret;
        } finally {
            Arrays.fill(raw, (byte) 0);
        }
    }

    /** The text, number or flag at that path, or null. */
    public @Nullable String text(String path) {
        return values.get(path);
    }

    /** Likewise, or an empty text. */
    public String textOrEmpty(String path) {
        return values.getOrDefault(path, "");
    }

    /**
     * The value at that path.
     *
     * @throws IOException if there is none
     */
    public String require(String path) throws IOException {
        String value = values.get(path);
        if (value == null) {
            throw new IOException("it has no '" + path + "'");
        }
        return value;
    }

    /**
     * The bytes at that path, which stand there in Base64: a wrapped key.
     *
     * @throws IOException if there are none, or more than {@code bytesMax}, for which a key slot has room
     */
    public byte[] blob(String path, int bytesMax) throws IOException {
        byte[] blob;
        try {
            blob = Base64.getDecoder().decode(require(path));
        } catch (IllegalArgumentException malformed) {
            throw new IOException("'" + path + "' is not Base64", malformed);
        }
        if (blob.length == 0) {
            throw new IOException("'" + path + "' is empty");
        }
        if (blob.length > bytesMax) {
            throw new IOException(
                    "'" + path + "' has " + blob.length + " bytes, and a key slot has room for " + bytesMax);
        }
        return blob;
    }

    /**
     * The key, which is the caller's from now on.
     *
     * @throws IOException if there is none
     */
    public Secret takeKey() throws IOException {
        Secret taken = key;
        if (taken == null) {
            throw new IOException("there is no key in it");
        }
        key = null;
        return taken;
    }

    /** Wipes the key if nobody took it. */
    @Override
    public void close() {
        Secret left = key;
        key = null;
        if (left != null) {
            left.close();
        }
    }
}

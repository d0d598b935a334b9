package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SourceUri;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which key on which token: what stands before the question mark of a PKCS#11 URI, {@code token=T;object=O;id=%01}
 * (RFC 7512).
 */
final class KeyUri {
    /** Those that we understand, in the order in which a key slot has them, however they were written. */
    private static final List<String> NAMES = List.of("token", "manufacturer", "model", "serial", "object", "id");

    private static final int REFERENCE_BYTES_MAX = 256;
    /** RFC 7512, 2.3: what may stand for itself in a path, but for the percent sign. */
    private static final String PLAIN =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:[]@!$'()*+,=&";

    private final Map<String, byte[]> values;
    private final String reference;

    private KeyUri(Map<String, byte[]> values) {
        this.values = values;
        this.reference = "pkcs11:" + text(NAMES);
    }

    /**
     * Takes it apart.
     *
     * @throws KeySourceException if it does not name one key on one token
     */
    static KeyUri of(SourceUri uri) throws KeySourceException {
        Map<String, byte[]> values = new TreeMap<>();
        for (String pair : uri.address().split(";", -1)) {
            int equals = pair.indexOf('=');
            String name = equals < 0 ? pair : pair.substring(0, equals);
            byte[] value = equals < 0 ? null : decode(pair.substring(equals + 1));
            if (value == null || value.length == 0) {
                throw uri.wrong("has '" + name + "' where NAME=VALUE belongs, with bytes that are not letters or digits"
                        + " written as %41");
            }
            if (name.equals("type")) {
                if (!new String(value, StandardCharsets.UTF_8).equals("secret-key")) {
                    throw uri.wrong("wants another type than secret-key; what wraps is an AES key");
                }
            } else if (!NAMES.contains(name)) {
                throw uri.wrong("has no attribute '" + name + "'; it has " + String.join(", ", NAMES));
            } else if (values.put(name, value) != null) {
                throw uri.wrong("has the attribute '" + name + "' twice");
            }
        }
        if (!values.containsKey("token") && !values.containsKey("serial")) {
            throw uri.wrong("names no token: token=LABEL or serial=NUMBER");
        }
        if (!values.containsKey("object") && !values.containsKey("id")) {
            throw uri.wrong("names no key: object=LABEL or id=%01");
        }
        KeyUri key = new KeyUri(values);
        if (key.reference.length() > REFERENCE_BYTES_MAX) {
            throw uri.wrong("is longer than the " + REFERENCE_BYTES_MAX + " bytes that a key slot has for it");
        }
        return key;
    }

    /** With percent signs resolved; null if they are malformed. */
    private static byte @Nullable [] decode(String value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] written = value.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < written.length; i++) {
            if (written[i] != '%') {
                bytes.write(written[i]);
            } else if (i + 2 < written.length
                    && HexFormat.isHexDigit(written[i + 1])
                    && HexFormat.isHexDigit(written[i + 2])) {
                bytes.write(HexFormat.fromHexDigit(written[i + 1]) << 4 | HexFormat.fromHexDigit(written[i + 2]));
                i += 2;
            } else {
                return null;
            }
        }
        return bytes.toByteArray();
    }

    /** The whole of it, always written in the same way: what a key slot remembers. */
    String reference() {
        return reference;
    }

    /** What names the token, in the same way. */
    String token() {
        return text(NAMES.subList(0, NAMES.indexOf("object")));
    }

    private String text(List<String> names) {
        StringJoiner text = new StringJoiner(";");
        for (String name : names) {
            byte[] value = values.get(name);
            if (value != null) {
                text.add(name + "=" + encode(value, name.equals("id")));
            }
        }
        return text.toString();
    }

    private static String encode(byte[] value, boolean everyByte) {
        StringBuilder text = new StringBuilder();
        for (byte each : value) {
            if (!everyByte && PLAIN.indexOf(each) >= 0) {
                text.append((char) each);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
            }
        }
        return text.toString();
    }

    /** Whether it is that token. */
    boolean isOn(TokenInfo token) {
        return is("token", token.label())
                && is("manufacturer", token.manufacturer())
                && is("model", token.model())
                && is("serial", token.serial());
    }

    private boolean is(String name, String actual) {
        byte[] wanted = values.get(name);
        return wanted == null || Arrays.equals(wanted, actual.getBytes(StandardCharsets.UTF_8));
    }

    /** What the key's object has to have. */
    Template template() {
        Template template = aesKeys();
        byte[] label = values.get("object");
        byte[] id = values.get("id");
        if (label != null) {
            template.bytes(Template.LABEL, label);
        }
        if (id != null) {
            template.bytes(Template.ID, id);
        }
        return template;
    }

    /** Likewise for the key that once was at this place, and has that {@code CKA_ID}, whatever it is called by now. */
    static Template templateOf(byte[] id) {
        return aesKeys().bytes(Template.ID, id);
    }

    private static Template aesKeys() {
        return new Template()
                .number(Template.CLASS, Template.OBJECT_SECRET_KEY)
                .number(Template.KEY_TYPE, Template.KEY_AES);
    }
}

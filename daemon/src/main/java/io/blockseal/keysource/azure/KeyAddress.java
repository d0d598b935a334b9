package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SourceUri;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which key of which vault.
 *
 * @param vault {@code https://HOST[:PORT]}
 * @param host of the vault, in lower case
 * @param name of the key
 * @param apiVersion which dialect the vault is spoken to in
 */
record KeyAddress(String vault, String host, String name, String apiVersion) {
    static final int PORT_MAX = 65_535;

    private static final int REFERENCE_BYTES_MAX = 256;
    private static final Pattern KEY =
            Pattern.compile("(https://([a-z0-9][a-z0-9.-]*)(?::[1-9]\\d{0,4})?)/keys/([A-Za-z0-9-]{1,127})(/.*)?");

    /** Takes the address of a place apart. */
    static KeyAddress of(SourceUri uri) throws KeySourceException {
        Matcher key = KEY.matcher(uri.address());
        if (!key.matches()) {
            throw uri.wrong("is not https://VAULT.vault.azure.net/keys/NAME, the vault in lower case");
        }
        URI vault = URI.create(key.group(1));
        if (vault.getHost() == null || vault.getPort() > PORT_MAX) {
            throw uri.wrong("has no host and port that could be: " + key.group(1));
        }
        if (key.group(4) != null) {
            throw uri.wrong("goes on after the key's name; leave the version out: wrapping takes the newest, and a key"
                    + " slot remembers its own");
        }
        if (uri.reference().getBytes(StandardCharsets.UTF_8).length > REFERENCE_BYTES_MAX) {
            throw uri.wrong("is longer than the " + REFERENCE_BYTES_MAX + " bytes that a key slot has room for");
        }
        String dialect = uri.text("api-version", "7.4");
        if (!dialect.matches("[0-9A-Za-z.-]{1,32}")) {
            throw uri.wrong("has api-version=" + dialect + ", which is none");
        }
        return new KeyAddress(key.group(1), key.group(2), key.group(3), dialect);
    }

    /** The key itself, in its newest version. */
    URI newest() {
        return URI.create(vault + "/keys/" + name + "?api-version=" + apiVersion);
    }

    /** The key in one version. */
    URI version(String version) {
        return URI.create(vault + "/keys/" + name + "/" + version + "?api-version=" + apiVersion);
    }

    /** What can be done with it in that version. */
    URI operation(String version, String operation) {
        return URI.create(vault + "/keys/" + name + "/" + version + "/" + operation + "?api-version=" + apiVersion);
    }
}

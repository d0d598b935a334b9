package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SourceUri;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;

/**
 * Where a key is: {@code HOST:PORT/IDENTIFIER} or {@code HOST:PORT/name/NAME}.
 *
 * @param host a name or an address
 * @param port 5696 if the place has none
 * @param byName whether {@code key} is a Name that the key has, and not its Unique Identifier
 * @param key its Name or its Unique Identifier
 */
record KeyName(String host, int port, boolean byName, String key) {
    /** Registered for KMIP. */
    private static final int PORT = 5696;

    private static final String NAME_PREFIX = "name/";
    private static final int REFERENCE_BYTES_MAX = 256;
    private static final int PORT_MAX = 65535;

    /** Takes the address apart. */
    static KeyName of(SourceUri uri) throws KeySourceException {
        URI address;
        try {
            address = new URI("kmip://" + uri.address());
        } catch (URISyntaxException malformed) {
            throw wrong(uri);
        }
        String path = address.getPath();
        // Of kmip:https://kms:5696/id java.net.URI takes "https" for the host, with a port that is left out.
        boolean ofAnotherScheme = path != null && path.startsWith("//");
        if (address.getHost() == null
                || ofAnotherScheme
                || address.getUserInfo() != null
                || address.getFragment() != null
                || address.getPort() == 0
                || address.getPort() > PORT_MAX
                || path == null
                || path.length() < 2) {
            throw wrong(uri);
        }
        if (uri.reference().getBytes(StandardCharsets.UTF_8).length > REFERENCE_BYTES_MAX) {
            throw uri.wrong("is longer than the " + REFERENCE_BYTES_MAX + " bytes that a key slot has for it");
        }
        String value = path.substring(1);
        boolean byName = value.startsWith(NAME_PREFIX);
        if (byName) {
            value = value.substring(NAME_PREFIX.length());
        }
        if (value.isEmpty() || value.chars().anyMatch(Character::isISOControl)) {
            throw wrong(uri);
        }
        String host = address.getHost();
        boolean bracketed = host.startsWith("[");
        return new KeyName(
                bracketed ? host.substring(1, host.length() - 1) : host,
                address.getPort() < 0 ? PORT : address.getPort(),
                byName,
                value);
    }

    private static KeySourceException wrong(SourceUri uri) {
        return uri.wrong("is not kmip:HOST:PORT/IDENTIFIER or kmip:HOST:PORT/name/NAME");
    }

    /** Host and port, as messages name them. */
    String authority() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    @Override
    public String toString() {
        return byName ? "named '" + key + "'" : key;
    }
}

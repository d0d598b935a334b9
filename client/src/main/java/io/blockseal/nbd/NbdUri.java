package io.blockseal.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The address of an export: {@code nbd://host:port/export}, {@code nbd+unix:///export?socket=path}, and both with
 * {@code nbds} for TLS ({@code doc/uri.md} of the NBD project).
 *
 * @param tls TLS is demanded; without it the connection must fail
 * @param host host name or address without brackets; null for a unix socket
 * @param port TCP port, 10809 if the URI has none; 0 for a unix socket
 * @param socketPath path of the unix socket, beginning with NUL for an abstract one; null for TCP
 * @param userName user part of the authority, or null
 * @param exportName the export, empty for the default one
 * @param parameters what the query says besides {@code socket}, in its order
 */
public record NbdUri(
        boolean tls,
        @Nullable String host,
        int port,
        @Nullable String socketPath,
        @Nullable String userName,
        String exportName,
        Map<String, String> parameters) {
    /** The port that is assigned to NBD. */
    public static final int DEFAULT_PORT = 10809;

    /** Checks that there is one place to connect to. */
    public NbdUri {
        if ((host == null) == (socketPath == null)) {
            throw new IllegalArgumentException("an NBD address names either a host or a unix socket");
        }
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /** The address of an export behind a unix socket. */
    public static NbdUri unix(String socketPath, String exportName) {
        return new NbdUri(false, null, 0, socketPath, null, exportName, Map.of());
    }

    /** The address of an export behind a TCP port. */
    public static NbdUri tcp(String host, int port, String exportName) {
        return new NbdUri(false, host, port, null, null, exportName, Map.of());
    }

    /** Says whether the address is a unix socket. */
    public boolean isUnix() {
        return socketPath != null;
    }

    /** The same, with or without TLS. */
    public NbdUri withTls(boolean demanded) {
        return new NbdUri(demanded, host, port, socketPath, userName, exportName, parameters);
    }

    /** The same place, another export. */
    public NbdUri withExportName(String otherExportName) {
        return new NbdUri(tls, host, port, socketPath, userName, otherExportName, parameters);
    }

    /**
     * Parses a URI.
     *
     * @throws IllegalArgumentException if it is not an NBD URI; the message says what to write instead
     */
    public static NbdUri parse(String text) {
        int schemeEnd = text.indexOf(':');
        String scheme = schemeEnd < 0 ? "" : text.substring(0, schemeEnd).toLowerCase(Locale.ROOT);
        boolean unix = scheme.endsWith("+unix");
        boolean tls = scheme.startsWith("nbds");
        if (!scheme.equals((tls ? "nbds" : "nbd") + (unix ? "+unix" : ""))) {
            throw wrong(text, "write nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH");
        }
        String rest = text.substring(schemeEnd + 1);
        if (!rest.startsWith("//")) {
            throw wrong(text, "two slashes are missing behind " + scheme + ":");
        }
        if (rest.indexOf('#') >= 0) {
            throw wrong(text, "a fragment has no meaning here; write # as %23");
        }
        int queryStart = rest.indexOf('?');
        String beforeQuery = queryStart < 0 ? rest : rest.substring(0, queryStart);
        Map<String, String> parameters = queryStart < 0 ? Map.of() : query(text, rest.substring(queryStart + 1));
        int pathStart = beforeQuery.indexOf('/', 2);
        String authority = beforeQuery.substring(2, pathStart < 0 ? beforeQuery.length() : pathStart);
        // Only the first slash is left out: //disk means the export "/disk".
        String exportName = pathStart < 0 ? "" : decode(text, beforeQuery.substring(pathStart + 1));
        if (exportName.indexOf('\0') >= 0) {
            throw wrong(text, "an export name has no NUL");
        }
        return unix
                ? unix(text, tls, authority, exportName, parameters)
                : tcp(text, tls, authority, exportName, parameters);
    }

    private static NbdUri unix(
            String text, boolean tls, String authority, String exportName, Map<String, String> parameters) {
        String socket = parameters.get("socket");
        if (socket == null || socket.isEmpty()) {
            throw wrong(text, "a unix address needs ?socket=PATH");
        }
        int at = authority.lastIndexOf('@');
        if (at + 1 < authority.length()) {
            throw wrong(text, "a unix address has no host; write three slashes");
        }
        Map<String, String> others = new LinkedHashMap<>(parameters);
        others.remove("socket");
        String userName = at < 0 ? null : decode(text, authority.substring(0, at));
        return new NbdUri(tls, null, 0, socket, userName, exportName, others);
    }

    private static NbdUri tcp(
            String text, boolean tls, String authority, String exportName, Map<String, String> parameters) {
        if (parameters.containsKey("socket")) {
            throw wrong(text, "a socket parameter needs the scheme " + (tls ? "nbds" : "nbd") + "+unix");
        }
        int at = authority.lastIndexOf('@');
        String userName = at < 0 ? null : decode(text, authority.substring(0, at));
        String place = authority.substring(at + 1);
        int hostEnd = place.startsWith("[") ? place.indexOf(']') + 1 : hostEnd(place);
        if (place.startsWith("[") && hostEnd == 0) {
            throw wrong(text, "the bracket of the IPv6 address is not closed");
        }
        // The brackets go; what is inside may have a zone, whose percent sign is written %25.
        boolean literal = place.startsWith("[");
        String host = decode(text, literal ? place.substring(1, hostEnd - 1) : place.substring(0, hostEnd));
        if (host.chars().anyMatch(NbdUri::isNoPartOfAHost)) {
            throw wrong(text, "a host is a name or an address, without blanks and without any of / ? # @ [ ] \\");
        }
        String afterHost = place.substring(hostEnd);
        if (!afterHost.isEmpty() && afterHost.charAt(0) != ':') {
            throw wrong(text, "something stands between the IPv6 address and the port");
        }
        int port = afterHost.length() <= 1 ? DEFAULT_PORT : port(text, afterHost.substring(1));
        return new NbdUri(tls, host.isEmpty() ? "localhost" : host, port, null, userName, exportName, parameters);
    }

    private static boolean isNoPartOfAHost(int character) {
        return character <= ' ' || character == 0x7f || "/?#@[]\\".indexOf(character) >= 0;
    }

    private static int hostEnd(String place) {
        int colon = place.indexOf(':');
        return colon < 0 ? place.length() : colon;
    }

    private static int port(String text, String digits) {
        boolean numeric = digits.length() <= 5 && digits.chars().allMatch(each -> each >= '0' && each <= '9');
        int port = numeric ? Integer.parseInt(digits) : 0;
        if (port < 1 || port > 65535) {
            throw wrong(text, "a port is a number from 1 to 65535; an IPv6 address stands in brackets");
        }
        return port;
    }

    private static Map<String, String> query(String text, String query) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String pair : query.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = decode(text, equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decode(text, pair.substring(equals + 1));
            if (parameters.put(name, value) != null) {
                throw wrong(text, "a parameter stands twice: " + name);
            }
        }
        return parameters;
    }

    /** Turns percent triplets into bytes and the whole into a string. A plus sign stays one. */
    private static String decode(String text, String encoded) {
        byte[] raw = encoded.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(raw.length);
        int i = 0;
        while (i < raw.length) {
            if (raw[i] != '%') {
                bytes.put(raw[i]);
                i++;
                continue;
            }
            int high = i + 2 < raw.length ? Character.digit(raw[i + 1], 16) : -1;
            int low = i + 2 < raw.length ? Character.digit(raw[i + 2], 16) : -1;
            if (high < 0 || low < 0) {
                throw wrong(text, "behind % stand two hexadecimal digits; write % itself as %25");
            }
            bytes.put((byte) (high << 4 | low));
            i += 3;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
        } catch (CharacterCodingException e) {
            throw wrong(text, "its percent triplets are not UTF-8");
        }
    }

    private static IllegalArgumentException wrong(String text, String remedy) {
        return new IllegalArgumentException("not an NBD address: \"" + text + "\": " + remedy);
    }

    /** The URI again, with what needs it percent-encoded. */
    @Override
    public String toString() {
        StringBuilder uri = new StringBuilder(tls ? "nbds" : "nbd");
        uri.append(isUnix() ? "+unix://" : "://");
        if (userName != null) {
            encode(uri, userName, false);
            uri.append('@');
        }
        if (host != null) {
            boolean literal = host.indexOf(':') >= 0;
            String written = host.replace("%", "%25");
            uri.append(literal ? "[" + written + "]" : written);
            uri.append(':').append(port);
        }
        uri.append('/');
        encode(uri, exportName, true);
        char separator = '?';
        if (socketPath != null) {
            uri.append("?socket=");
            encode(uri, socketPath, true);
            separator = '&';
        }
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            uri.append(separator);
            encode(uri, parameter.getKey(), true);
            uri.append('=');
            encode(uri, parameter.getValue(), true);
            separator = '&';
        }
        return uri.toString();
    }

    /** A slash stands for itself, but not in the user's name, where it would end the authority. */
    private static void encode(StringBuilder uri, String part, boolean slashes) {
        for (byte each : part.getBytes(StandardCharsets.UTF_8)) {
            boolean plain = (each >= 'a' && each <= 'z')
                    || (each >= 'A' && each <= 'Z')
                    || (each >= '0' && each <= '9')
                    || "-._~".indexOf(each) >= 0
                    || (slashes && each == '/');
            if (plain) {
                uri.append((char) each);
            } else {
                uri.append('%').append(String.format("%02X", each & 0xff));
            }
        }
    }
}

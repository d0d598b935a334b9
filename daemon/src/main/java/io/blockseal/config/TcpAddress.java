package io.blockseal.config;

import java.util.regex.Pattern;

/**
 * Where to listen on TCP.
 *
 * @param host a name or an address, without brackets
 * @param port 0 (any free one) to 65535
 */
public record TcpAddress(String host, int port) {
    private static final Pattern LOOPBACK_V4 = Pattern.compile("127(\\.\\d{1,3}){3}");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:%-]+");

    /**
     * Reads {@code HOST:PORT} or {@code [IPV6]:PORT}.
     *
     * @throws IllegalArgumentException with a message that says what was found and what is expected
     */
    public static TcpAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (bracketed) {
            host = host.substring(1, host.length() - 1);
        }
        if (!HOST.matcher(host).matches() || (host.contains(":") && !bracketed)) {
            throw new IllegalArgumentException("'" + text + "' is not an address: HOST:PORT, such as 127.0.0.1:10809 or"
                    + " [::1]:10809 (for every address, 0.0.0.0:10809 and [::]:10809)");
        }
        return new TcpAddress(host, port(text, text.substring(colon + 1)));
    }

    private static int port(String text, String digits) {
        try {
            int port = Integer.parseInt(digits);
            if (port >= 0 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException notANumber) {
            // Told below, with the whole text.
        }
        throw new IllegalArgumentException("'" + text + "' has no port: a number from 0 to 65535 after the last colon");
    }

    /** Whether only this machine can reach it. Names other than {@code localhost} count as reachable. */
    public boolean isLoopback() {
        return host.equalsIgnoreCase("localhost")
                || LOOPBACK_V4.matcher(host).matches()
                || host.equals("::1")
                || host.equals("0:0:0:0:0:0:0:1");
    }

    /** As it is written: {@code 127.0.0.1:10809}, {@code [::1]:10809}. */
    @Override
    public String toString() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}

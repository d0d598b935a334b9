package io.blockseal.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The commands' side: one request over a connection of its own, and the whole answer. Blocks until it is there; a daemon
 * that is stopped meanwhile cuts it off.
 */
public final class ControlClient {
    /**
     * What a daemon said.
     *
     * @param status by HTTP
     * @param exitCode how the command ends
     * @param body text or JSON, whichever was asked for; JSON if it failed
     */
    public record Reply(int status, int exitCode, String body) {
        /** Whether it is what was asked for, and not a refusal. */
        public boolean ok() {
            return status < 300;
        }
    }

    /** Some lines for each range of a volume, and a hundred thousand of them are listed. */
    private static final int ANSWER_BYTES_MAX = 64 << 20;

    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 (\\d{3}) .*");

    private final Path socket;

    /** For the daemon that listens there; connects with each request. */
    public ControlClient(Path socket) {
        this.socket = socket;
    }

    /** Where it listens. */
    public Path socket() {
        return socket;
    }

    /** Asks for a page. */
    public Reply get(String path, boolean text) throws IOException {
        return send("GET", path, text, new byte[0]);
    }

    /** Gives an order. {@code body} stays the caller's, who wipes it. */
    public Reply post(String path, boolean text, byte[] body) throws IOException {
        return send("POST", path, text, body);
    }

    /** As a part of a path. */
    public static String part(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private Reply send(String method, String path, boolean text, byte[] body) throws IOException {
        String head = method + " " + path + " HTTP/1.1\r\nHost: blockseal\r\nConnection: close\r\nAccept: "
                + (text ? "text/plain" : "application/json") + "\r\nContent-Length: " + body.length + "\r\n\r\n";
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            // Direct: of a heap buffer the JDK would keep a copy.
            ByteBuffer out = ByteBuffer.allocateDirect(head.length() + body.length);
            out.put(head.getBytes(StandardCharsets.US_ASCII)).put(body).flip();
            try {
                while (out.hasRemaining()) {
                    channel.write(out);
                }
            } finally {
                for (int i = 0; i < out.capacity(); i++) {
                    out.put(i, (byte) 0);
                }
            }
            return parse(readAll(channel));
        }
    }

    private byte[] readAll(SocketChannel channel) throws IOException {
        byte[] all = new byte[8192];
        int length = 0;
        ByteBuffer part = ByteBuffer.allocate(8192);
        while (channel.read(part) >= 0) {
            part.flip();
            if (length + part.remaining() > ANSWER_BYTES_MAX) {
                throw new IOException("the daemon on " + socket + " says too much");
            }
            if (length + part.remaining() > all.length) {
                all = Arrays.copyOf(all, 2 * (length + part.remaining()));
            }
            int count = part.remaining();
            part.get(all, length, count);
            length += count;
            part.clear();
        }
        return Arrays.copyOf(all, length);
    }

    private Reply parse(byte[] answer) throws IOException {
        String text = new String(answer, StandardCharsets.UTF_8);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("the daemon on " + socket + " did not answer; it let nobody in, or was stopped");
        }
        String[] lines = text.substring(0, end).split("\r\n");
        Matcher status = STATUS.matcher(lines[0]);
        Map<String, String> headers = new TreeMap<>();
        for (String line : lines) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
        }
        String exitCode = headers.getOrDefault(ControlHandler.EXIT_CODE_HEADER, "");
        if (!status.matches() || !exitCode.matches("\\d{1,3}")) {
            throw new IOException("what listens on " + socket + " is not a blockseal daemon");
        }
        return new Reply(Integer.parseInt(status.group(1)), Integer.parseInt(exitCode), text.substring(end + 4));
    }
}

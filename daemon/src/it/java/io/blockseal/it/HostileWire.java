package io.blockseal.it;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * One hostile client's connection: it sends what it is told, also behind TLS, and has several ways to leave. It comes from
 * an address of its own within 127.0.0.0/8, as strangers do, and never waits longer than half a minute.
 */
final class HostileWire implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final int OPTION_STARTTLS = 5;

    private final Socket raw;
    private InputStream in;
    private OutputStream out;

    private HostileWire(Socket raw) throws IOException {
        this.raw = raw;
        become(raw);
    }

    private void become(Socket socket) throws IOException {
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    /** Connected, and not a byte sent or read yet. */
    static HostileWire connect(int port, int client) throws IOException {
        Socket socket = new Socket();
        try {
            socket.setReuseAddress(true);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.bind(new InetSocketAddress(addressOf(client), 0));
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MILLIS);
            return new HostileWire(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static InetAddress addressOf(int client) throws IOException {
        byte[] address = {
            127, (byte) (1 + client / 62_500 % 250), (byte) (1 + client / 250 % 250), (byte) (1 + client % 250)
        };
        return InetAddress.getByAddress(address);
    }

    void send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /** So many bytes of what the server says, or an {@link java.io.EOFException}. */
    byte[] take(int length) throws IOException {
        byte[] bytes = new byte[length];
        new DataInputStream(in).readFully(bytes);
        return bytes;
    }

    /** Asks for TLS as it should be done, and returns when the server is ready for the first byte of it. */
    void askForTls() throws IOException {
        take(HostileBytes.GREETING_BYTES);
        send(HostileBytes.join(HostileBytes.flags(3), HostileBytes.option(OPTION_STARTTLS, new byte[0])));
        take(HostileBytes.OPTION_REPLY_BYTES);
    }

    /** Goes on within TLS. */
    void secure(SSLContext context) throws IOException {
        SSLSocket secured = (SSLSocket) context.getSocketFactory().createSocket(raw, "localhost", raw.getPort(), true);
        secured.startHandshake();
        become(secured);
    }

    /** No more is sent; all that the server still says is read, until it has closed as well. */
    void endAndReadOut() throws IOException {
        raw.shutdownOutput();
        untilHungUp();
    }

    /** Reads until the server hangs up; fails if it does not. */
    void untilHungUp() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MILLIS);
        InputStream bytes = raw.getInputStream();
        byte[] heap = new byte[4096];
        try {
            while (bytes.read(heap) >= 0) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("the server talks on and on");
                }
            }
        } catch (SocketTimeoutException patient) {
            throw new AssertionError("the server does not hang up", patient);
        } catch (SocketException reset) {
            // Also a way to hang up.
        }
    }

    /** Leaves by RST: what is under way in both directions is lost. */
    void reset() throws IOException {
        raw.setSoLinger(true, 0);
        raw.close();
    }

    /** Leaves without a word. */
    @Override
    public void close() throws IOException {
        raw.close();
    }
}

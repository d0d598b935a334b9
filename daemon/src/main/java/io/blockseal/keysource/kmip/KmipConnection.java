package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestClient;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * TLS to a server, for the questions of one conversation. Each step, name, connection and handshake together and then
 * each question with its answer, may take so long and no longer, however slowly the other end goes on: when the time is over,
 * the connection is closed beneath. Whoever is interrupted waits no longer. Blocks; on one thread, never one that serves
 * I/O.
 */
final class KmipConnection implements AutoCloseable {
    private static final ScheduledThreadPoolExecutor WATCH = watch();

    private final String authority;
    private final Duration within;
    private volatile Socket raw = new Socket();
    private @Nullable SSLSocket tls;
    private volatile boolean late;

    private KmipConnection(String authority, Duration within) {
        this.authority = authority;
        this.within = within;
    }

    private static ScheduledThreadPoolExecutor watch() {
        ScheduledThreadPoolExecutor watch = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kmip-deadlines");
            thread.setDaemon(true);
            return thread;
        });
        watch.setRemoveOnCancelPolicy(true);
        return watch;
    }

    /** One step, which ends with an exception if it takes too long. */
    @FunctionalInterface
    private interface Step<T> {
        T run() throws IOException;
    }

    /**
     * Connects.
     *
     * @throws KeySourceException UNREACHABLE if that fails; MISCONFIGURED if our certificates cannot be used
     */
    static KmipConnection open(KeyName place, Credentials credentials, Duration within, Addresses.Lookup lookup)
            throws KeySourceException {
        SSLContext context = credentials.tls();
        KmipConnection connection = new KmipConnection(place.authority(), within);
        boolean open = false;
        try {
            connection.within(() -> {
                connection.connect(place, lookup);
                SSLSocket tls = (SSLSocket)
                        context.getSocketFactory().createSocket(connection.raw, place.host(), place.port(), true);
                SSLParameters parameters = tls.getSSLParameters();
                parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                tls.setSSLParameters(parameters);
                tls.startHandshake();
                connection.tls = tls;
                return tls;
            });
            open = true;
            return connection;
        } finally {
            if (!open) {
                connection.close();
            }
        }
    }

    /** To the first of its addresses that takes the connection. */
    private void connect(KeyName place, Addresses.Lookup lookup) throws IOException {
        InetAddress[] all = Addresses.of(place.host(), lookup, within);
        int each = (int) within.toMillis() / all.length;
        IOException last = new ConnectException("it has no address");
        for (InetAddress address : all) {
            // Of a channel: a wait for any other socket does not end when whoever waits is interrupted.
            raw = SocketChannel.open().socket();
            if (late || Thread.currentThread().isInterrupted()) {
                break;
            }
            try {
                raw.connect(new InetSocketAddress(address, place.port()), each);
                raw.setTcpNoDelay(true);
                return;
            } catch (IOException failed) {
                last = failed;
                closeQuietly(raw);
            }
        }
        throw last;
    }

    /**
     * Sends a message and waits for the answer, which the caller wipes.
     *
     * @throws KeySourceException UNREACHABLE if there is none
     * @throws IOException if what comes is no message
     */
    byte[] ask(byte[] request) throws KeySourceException, IOException {
        byte[] answer = within(() -> {
            SSLSocket socket = tls;
            if (socket == null) {
                throw new IOException("not connected");
            }
            socket.getOutputStream().write(request);
            socket.getOutputStream().flush();
            return receive(socket.getInputStream());
        });
        if (answer.length == 0) {
            throw new IOException("no KMIP message, or one of more than " + TtlvItem.MESSAGE_BYTES_MAX + " bytes");
        }
        return answer;
    }

    /** A whole message; empty if what begins there is none. */
    private static byte[] receive(InputStream in) throws IOException {
        byte[] header = new byte[TtlvItem.HEADER_BYTES];
        readFully(in, header, 0);
        int messageBytes = TtlvItem.messageBytes(header, Tag.RESPONSE_MESSAGE);
        if (messageBytes < 0) {
            return new byte[0];
        }
        byte[] message = Arrays.copyOf(header, messageBytes);
        boolean whole = false;
        try {
            readFully(in, message, header.length);
            whole = true;
            return message;
        } finally {
            if (!whole) {
                Arrays.fill(message, (byte) 0);
            }
        }
    }

    private static void readFully(InputStream in, byte[] target, int from) throws IOException {
        if (in.readNBytes(target, from, target.length - from) != target.length - from) {
            throw new EOFException("it hung up before the end of its answer");
        }
    }

    private <T> T within(Step<T> step) throws KeySourceException {
        ScheduledFuture<?> deadline = WATCH.schedule(
                () -> {
                    late = true;
                    closeQuietly(raw);
                },
                within.toMillis(),
                TimeUnit.MILLISECONDS);
        try {
            return step.run();
        } catch (IOException failed) {
            throw unreachable(failed);
        } finally {
            deadline.cancel(false);
        }
    }

    private KeySourceException unreachable(IOException failed) {
        if (Thread.currentThread().isInterrupted()) {
            // Not a trouble that passes: nobody wants it tried again.
            return new KeySourceException(
                    Kind.UNREACHABLE, authority + " was not waited for: we were interrupted", failed);
        }
        if (failed instanceof Addresses.SlowResolverException) {
            return new PassingTrouble(
                    Kind.UNREACHABLE,
                    authority + " has no address yet: the resolver of this machine has not answered within "
                            + within.toMillis() + " ms",
                    failed);
        }
        if (late) {
            return new PassingTrouble(
                    Kind.UNREACHABLE, authority + " has not answered within " + within.toMillis() + " ms", failed);
        }
        Throwable deepest = deepest(failed);
        if (RestClient.isNoTls(deepest)) {
            return new KeySourceException(Kind.UNREACHABLE, authority + RestClient.NO_TLS, failed);
        }
        // JSSE wraps what only the connection has suffered from.
        boolean ofTls = failed instanceof SSLException
                && !(deepest instanceof EOFException)
                && !(deepest instanceof SocketException);
        if (ofTls) {
            return new KeySourceException(
                    Kind.UNREACHABLE,
                    authority + " cannot be trusted, or does not trust us: " + words(deepest)
                            + ". Name the authority that signed its certificate with ca-file=FILE, look at ours in"
                            + " client-cert-file, and check both clocks",
                    failed);
        }
        if (failed instanceof UnknownHostException) {
            return new PassingTrouble(
                    Kind.UNREACHABLE,
                    authority + " has no address: check the name, and the resolver of this machine",
                    failed);
        }
        String what =
                failed instanceof ConnectException ? " refuses connections, or is not there: " : " cannot be reached: ";
        // TLS 1.3 lets us begin before the server has looked at our certificate; what it says of it may not reach us.
        String perhaps = tls == null
                ? deepest instanceof EOFException
                        ? "; if that does not pass, see whether TLS is spoken on that port"
                        : ""
                : "; if that does not pass, see whether it accepts the certificate of client-cert-file";
        return new PassingTrouble(Kind.UNREACHABLE, authority + what + words(deepest) + perhaps, failed);
    }

    private static Throwable deepest(Throwable failed) {
        Throwable at = failed;
        while (at.getCause() != null && at.getCause() != at) {
            at = at.getCause();
        }
        return at;
    }

    private static String words(Throwable failed) {
        String words = KmipReply.printable(failed.getMessage());
        return words.isEmpty() ? failed.getClass().getSimpleName() : words;
    }

    /** Says goodbye, without waiting for an answer, and hangs up. */
    @Override
    public void close() {
        SSLSocket open = tls;
        tls = null;
        if (open != null && !late) {
            try {
                within(() -> {
                    open.close();
                    return open;
                });
            } catch (KeySourceException gone) {
                // Then there is nobody to say it to.
                closeQuietly(raw);
            }
        }
        closeQuietly(raw);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException closed) {
            // It is not used any more.
        }
    }
}

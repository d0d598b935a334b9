package io.blockseal.app.host;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;

/**
 * Datagrams to one unix socket of this host, which the JDK has no means for. Whoever listens there may come later, and
 * come back after a restart; one that reads nothing for a moment is waited for, but not for long. One thread at a time.
 */
final class LocalDatagrams implements AutoCloseable {
    private static final int ATTEMPTS = 20;
    private static final long PAUSE_NANOS = 5_000_000;

    private final byte[] address;
    private final Socket socket;

    private LocalDatagrams(byte[] address, Socket socket) {
        this.address = address;
        this.socket = socket;
    }

    /** Whether there can be any here: they take Netty's native code. */
    static boolean possible() {
        return Epoll.isAvailable();
    }

    /** To the socket at a path, or, if it begins with {@code @}, to the one of that name that lies nowhere. */
    static LocalDatagrams to(String place) {
        byte[] address = place.getBytes(StandardCharsets.UTF_8);
        if (place.startsWith("@")) {
            address[0] = 0;
        }
        return new LocalDatagrams(address, Socket.newSocketDomainDgram());
    }

    /** Sends it whole, or says why not. */
    void send(byte[] bytes) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(bytes.length).put(bytes);
        for (int i = 0; i < ATTEMPTS; i++) {
            // Nothing is sent of a datagram for which there is no room just now.
            if (sent(datagram, bytes.length)) {
                return;
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new IOException("whoever listens there reads nothing");
    }

    private boolean sent(ByteBuffer datagram, int length) throws IOException {
        try {
            return socket.sendToDomainSocket(datagram, 0, length, address) > 0;
        } catch (IOException refused) {
            // Netty has no words for a socket that is missing, or that nobody has open any more.
            String words = refused.getMessage();
            throw words == null ? new IOException("nobody listens there", refused) : refused;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

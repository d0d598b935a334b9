package io.blockseal.server.tls;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import org.bouncycastle.tls.ContentType;
import org.bouncycastle.tls.DefaultTlsClient;
import org.bouncycastle.tls.HandshakeType;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.ServerOnlyTlsAuthentication;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsClient;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsServerCertificate;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

/**
 * A client of TLS that sends whatever records a test wants, many at a time: what it says is gathered until somebody takes
 * it, as bytes for the wire.
 */
public final class RecordClient extends TlsClientProtocol {
    /** Who takes any certificate for good. */
    public static TlsClient trusting(String version) {
        return new DefaultTlsClient(new BcTlsCrypto(new SecureRandom())) {
            @Override
            public TlsAuthentication getAuthentication() {
                return new ServerOnlyTlsAuthentication() {
                    @Override
                    public void notifyServerCertificate(TlsServerCertificate shown) {}
                };
            }

            @Override
            protected ProtocolVersion[] getSupportedVersions() {
                return (version.equals("TLSv1.3") ? ProtocolVersion.TLSv13 : ProtocolVersion.TLSv12).only();
            }
        };
    }

    /** What it has said since the last time, for the wire. */
    public byte[] takeSaid() {
        byte[] said = new byte[getAvailableOutputBytes()];
        readOutput(said, 0, said.length);
        return said;
    }

    /** Goes through the handshake on a socket whose other end waits for it. */
    public RecordClient handshake(TlsClient who, SocketChannel socket) throws IOException {
        connect(who);
        send(socket);
        while (!isConnected()) {
            receive(socket);
            send(socket);
        }
        return this;
    }

    /** Sends what it has said. */
    public void send(SocketChannel socket) throws IOException {
        ByteBuffer said = ByteBuffer.wrap(takeSaid());
        while (said.hasRemaining()) {
            socket.write(said);
        }
    }

    private void receive(SocketChannel socket) throws IOException {
        ByteBuffer came = ByteBuffer.allocate(32 << 10);
        if (socket.read(came) < 0) {
            throw new IOException("the server has closed");
        }
        offerInput(came.array(), 0, came.position());
    }

    /** What comes out of TLS. */
    public InputStream input(SocketChannel socket) {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                while (length > 0 && getAvailableInputBytes() == 0) {
                    if (isClosed()) {
                        return -1;
                    }
                    receive(socket);
                }
                return readInput(into, offset, length);
            }
        };
    }

    /** What goes into TLS, and out at once. */
    public OutputStream output(SocketChannel socket) {
        return new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                write(new byte[] {(byte) one}, 0, 1);
            }

            @Override
            public void write(byte[] from, int offset, int length) throws IOException {
                writeApplicationData(from, offset, length);
                send(socket);
            }
        };
    }

    /** Says a record of data that has none. The JDK does not understand that in TLS 1.3. */
    public RecordClient sayNothing() throws IOException {
        writeRecord(ContentType.application_data, new byte[0], 0, 0);
        return this;
    }

    /** Says data. */
    public RecordClient say(byte... data) throws IOException {
        writeApplicationData(data, 0, data.length);
        return this;
    }

    /** TLS 1.3: changes its keys, and may want the server to change its own, which it has to say. */
    public RecordClient changeKeys(boolean both) throws IOException {
        send13KeyUpdate(both);
        return this;
    }

    /** TLS 1.3: the same, many times in one record. Nobody could follow it from there on. */
    public RecordClient changeKeysInOneRecord(int times) throws IOException {
        return sayHandshake(times, HandshakeType.key_update, 0, 0, 1, 1);
    }

    /** TLS 1.2: wants to negotiate anew, many times in one record. */
    public RecordClient sayHello(int times) throws IOException {
        return sayHandshake(times, HandshakeType.client_hello, 0, 0, 0);
    }

    private RecordClient sayHandshake(int times, int... message) throws IOException {
        byte[] messages = new byte[times * message.length];
        for (int i = 0; i < messages.length; i++) {
            messages[i] = (byte) message[i % message.length];
        }
        writeRecord(ContentType.handshake, messages, 0, messages.length);
        return this;
    }
}

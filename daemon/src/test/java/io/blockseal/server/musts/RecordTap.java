package io.blockseal.server.musts;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;

/**
 * A socket that knows which record of TLS came last. The JDK does not tell whether a peer has ended TLS or only the
 * connection.
 */
final class RecordTap extends Socket {
    private static final int HEADER_BYTES = 5;
    private static final int ALERT = 21;
    private static final int APPLICATION_DATA = 23;
    /** Of TLS 1.3, where an alert looks like data: two bytes, the type, a tag. No reply of NBD is as short, */
    private static final int SEALED_ALERT_BYTES = 2 + 1 + 16;
    /** nor as long with that padding, which the JDK's TLS adds. */
    private static final int PADDING_BYTES = 16;

    private final Socket below;
    private final ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    private int bodyLeft;

    RecordTap(Socket below) {
        this.below = below;
    }

    /** Whether the last that came was an alert, and all of it. */
    boolean endedWithAnAlert() {
        int type = header.get(0);
        int bytes = header.getShort(3);
        boolean sealed = type == APPLICATION_DATA
                && (bytes == SEALED_ALERT_BYTES || bytes == SEALED_ALERT_BYTES + PADDING_BYTES);
        return bodyLeft == 0 && (type == ALERT || sealed);
    }

    /** What came last, for whoever wonders. */
    @Override
    public String toString() {
        return "type " + header.get(0) + ", " + header.getShort(3) + " bytes, of which " + bodyLeft + " are missing";
    }

    private void see(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (bodyLeft > 0) {
                bodyLeft--;
                continue;
            }
            if (!header.hasRemaining()) {
                header.clear();
            }
            header.put(bytes[i]);
            if (!header.hasRemaining()) {
                bodyLeft = header.getShort(3) & 0xffff;
            }
        }
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(below.getInputStream()) {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                int bytes = super.read(into, offset, length);
                if (bytes > 0) {
                    see(into, offset, bytes);
                }
                return bytes;
            }
        };
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return below.getOutputStream();
    }

    @Override
    public boolean isConnected() {
        return below.isConnected();
    }

    @Override
    public boolean isBound() {
        return below.isBound();
    }

    @Override
    public boolean isClosed() {
        return below.isClosed();
    }

    @Override
    public InetAddress getInetAddress() {
        return below.getInetAddress();
    }

    @Override
    public int getPort() {
        return below.getPort();
    }

    @Override
    public SocketAddress getRemoteSocketAddress() {
        return below.getRemoteSocketAddress();
    }

    @Override
    public synchronized int getSoTimeout() throws SocketException {
        return below.getSoTimeout();
    }

    @Override
    public synchronized void setSoTimeout(int millis) throws SocketException {
        below.setSoTimeout(millis);
    }

    @Override
    public void shutdownInput() throws IOException {
        below.shutdownInput();
    }

    @Override
    public void shutdownOutput() throws IOException {
        below.shutdownOutput();
    }

    @Override
    public synchronized void close() throws IOException {
        below.close();
    }
}

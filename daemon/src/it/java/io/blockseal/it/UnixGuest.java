package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A client of the export {@code demo} on a unix socket that costs next to nothing: there may be ten thousand of them. */
final class UnixGuest implements AutoCloseable {
    private static final long OPTION = 0x49484156454f5054L;
    private static final int REQUEST = 0x25609513;
    private static final int STRUCTURED_REPLY = 0x668e33ef;
    private static final int SIMPLE_REPLY = 0x67446698;
    private static final int OPTION_STRUCTURED = 8;
    private static final int GREETING_BYTES = 18;
    private static final int OPTION_REPLY_BYTES = 20;
    private static final byte[] NAME = "demo".getBytes(StandardCharsets.US_ASCII);

    private final SocketChannel channel;
    private final boolean structured;

    private UnixGuest(SocketChannel channel, boolean structured) {
        this.channel = channel;
        this.structured = structured;
    }

    /** In transmission. */
    static UnixGuest open(Path socket, boolean structured) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        try {
            UnixGuest guest = new UnixGuest(channel, structured);
            guest.handshake();
            return guest;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private void handshake() throws IOException {
        take(GREETING_BYTES);
        ByteBuffer said = ByteBuffer.allocate(128).putInt(3);
        if (structured) {
            said.putLong(OPTION).putInt(OPTION_STRUCTURED).putInt(0);
        }
        said.putLong(OPTION).putInt(NbdSocket.OPTION_GO).putInt(NAME.length + 6);
        said.putInt(NAME.length).put(NAME).putShort((short) 0);
        send(said.flip());
        int acknowledged = 0;
        while (acknowledged < (structured ? 2 : 1)) {
            ByteBuffer reply = take(OPTION_REPLY_BYTES);
            int type = reply.getInt(12);
            take(reply.getInt(16));
            if (type < 0) {
                throw new IOException("refused by " + Integer.toHexString(type));
            }
            acknowledged += type == NbdSocket.ACK ? 1 : 0;
        }
    }

    private static ByteBuffer header(ByteBuffer into, int type, long cookie, long offset, int length) {
        return into.putInt(REQUEST)
                .putShort((short) 0)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length);
    }

    /** Asks for so many pieces of a MiB, and does not look at what comes. */
    void askFor(int pieces) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(pieces * 28);
        for (int i = 0; i < pieces; i++) {
            header(all, NbdSocket.READ, i, (long) (i % 32) << 20, 1 << 20);
        }
        send(all.flip());
    }

    /** The beginning of a request, which has no end. */
    void beginRequest() throws IOException {
        send(ByteBuffer.allocate(20).putInt(REQUEST).position(20).flip());
    }

    void write(long offset, byte[] data) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(28 + data.length);
        send(header(all, NbdSocket.WRITE, offset, offset, data.length).put(data).flip());
        assertEquals(0, read(offset, new byte[0]), "error of a write");
    }

    byte[] read(long offset, int length) throws IOException {
        ByteBuffer request = ByteBuffer.allocate(28);
        send(header(request, NbdSocket.READ, offset, offset, length).flip());
        byte[] data = new byte[length];
        assertEquals(0, read(offset, data), "error of a read");
        return data;
    }

    /** One whole reply; the error. */
    private int read(long offset, byte[] data) throws IOException {
        while (true) {
            int magic = take(4).getInt(0);
            if (magic == SIMPLE_REPLY) {
                int error = take(12).getInt(0);
                ByteBuffer all = take(data.length);
                all.get(0, data);
                return error;
            }
            assertEquals(STRUCTURED_REPLY, magic);
            ByteBuffer chunk = take(16);
            ByteBuffer payload = take(chunk.getInt(12));
            int type = chunk.getShort(2);
            if (type < 0) {
                return payload.getInt(0);
            }
            if (type == 1) {
                payload.get(8, data, (int) (payload.getLong(0) - offset), payload.limit() - 8);
            }
            if ((chunk.getShort(0) & 1) != 0) {
                return 0;
            }
        }
    }

    private void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private ByteBuffer take(int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes) < 0) {
                throw new EOFException("the server hung up");
            }
        }
        return bytes.flip();
    }

    /** Leaves without a word. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}

package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** A client that sends what it is told, right or wrong, and reads simple replies. Nothing waits longer than a minute. */
final class NbdSocket implements AutoCloseable {
    static final int READ = 0;
    static final int WRITE = 1;
    static final int FLUSH = 3;
    static final int TRIM = 4;
    static final int WRITE_ZEROES = 6;

    static final int OPTION_GO = 7;
    static final int ACK = 1;
    static final int ERR_UNSUP = 0x80000001;
    static final int ERR_UNKNOWN = 0x80000006;

    private static final long GREETING = 0x4e42444d41474943L;
    private static final long OPTION = 0x49484156454f5054L;
    private static final long OPTION_REPLY = 0x0003e889045565a9L;
    private static final int REQUEST = 0x25609513;
    private static final int SIMPLE_REPLY = 0x67446698;

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private long nextCookie = 0x1122334455667788L;

    private NbdSocket(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(60_000);
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
    }

    /** Connected, and nothing sent yet. */
    static NbdSocket connect(int port) throws IOException {
        return new NbdSocket(new Socket(InetAddress.getLoopbackAddress(), port));
    }

    /** Greeted, ready for options. */
    static NbdSocket greeted(int port) throws IOException {
        NbdSocket client = connect(port);
        assertEquals(GREETING, client.in.readLong());
        assertEquals(OPTION, client.in.readLong());
        client.in.readUnsignedShort();
        client.out.writeInt(3); // fixed newstyle, no zeroes
        return client;
    }

    /** In transmission on the export {@code demo}. */
    static NbdSocket go(int port) throws IOException {
        NbdSocket client = greeted(port);
        client.go();
        return client;
    }

    void go() throws IOException {
        byte[] name = "demo".getBytes(StandardCharsets.UTF_8);
        optionHeader(OPTION_GO, 4 + name.length + 2);
        out.writeInt(name.length);
        out.write(name);
        out.writeShort(0);
        int type = optionReply();
        while (type == 3) { // information
            type = optionReply();
        }
        assertEquals(ACK, type);
    }

    void optionHeader(int option, int length) throws IOException {
        out.writeLong(OPTION);
        out.writeInt(option);
        out.writeInt(length);
    }

    /** The type of the next reply to an option. */
    int optionReply() throws IOException {
        out.flush();
        assertEquals(OPTION_REPLY, in.readLong());
        in.readInt();
        int type = in.readInt();
        in.readFully(new byte[in.readInt()]);
        return type;
    }

    /** Bytes as they are. */
    void raw(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /** A request's header; the cookie that its reply will have. */
    long header(int type, int flags, long offset, int length) throws IOException {
        out.writeInt(REQUEST);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(nextCookie);
        out.writeLong(offset);
        out.writeInt(length);
        return nextCookie++;
    }

    /** A request without payload, and the error that is answered; a READ that goes well leaves its data unread. */
    int ask(int type, long offset, int length) throws IOException {
        return reply(header(type, 0, offset, length));
    }

    /** The error of the next reply, which must be this one. */
    int reply(long cookie) throws IOException {
        out.flush();
        assertEquals(SIMPLE_REPLY, in.readInt());
        int error = in.readInt();
        assertEquals(cookie, in.readLong());
        return error;
    }

    int write(long offset, byte[] data) throws IOException {
        long cookie = header(WRITE, 0, offset, data.length);
        out.write(data);
        return reply(cookie);
    }

    int flush() throws IOException {
        return ask(FLUSH, 0, 0);
    }

    byte[] read(long offset, int length) throws IOException {
        assertEquals(0, ask(READ, offset, length));
        byte[] data = new byte[length];
        in.readFully(data);
        return data;
    }

    void send() throws IOException {
        out.flush();
    }

    /** Whether the server answers with that error, or not at all. */
    boolean isRefusedOrHungUp(long cookie, int errno) throws IOException {
        try {
            return reply(cookie) == errno;
        } catch (EOFException | SocketException hungUp) {
            return true;
        }
    }

    /** Whether the server hangs up, after whatever it still has to say. */
    boolean isHungUp() throws IOException {
        try {
            out.flush();
            while (in.read() >= 0) {
                continue;
            }
            return true;
        } catch (EOFException | SocketException e) {
            return true;
        }
    }

    /** Leaves without a word. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}

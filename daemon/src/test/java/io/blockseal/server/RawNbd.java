package io.blockseal.server;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A client that sends exactly what a test tells it to, right or wrong, and reads what comes back. Blocking, on a unix
 * socket or TCP, with TLS by the JDK's own sockets; knows no state but the style of headers.
 */
public final class RawNbd implements AutoCloseable {
    public static final int ERR_UNSUP = 0x8000_0001;
    public static final int ERR_POLICY = 0x8000_0002;
    public static final int ERR_INVALID = 0x8000_0003;
    public static final int ERR_TLS_REQD = 0x8000_0005;
    public static final int ERR_UNKNOWN = 0x8000_0006;
    public static final int ERR_SHUTDOWN = 0x8000_0007;
    public static final int ERR_EXT_HEADER_REQD = 0x8000_000a;
    public static final int ACK = 1;

    /** One answer to an option. */
    public record OptionReply(int option, int type, byte[] payload) {
        public boolean isError() {
            return type < 0;
        }

        public String text() {
            return new String(payload, StandardCharsets.UTF_8);
        }
    }

    /** One chunk, or a simple reply seen as one. */
    public record Chunk(boolean simple, int flags, int type, long cookie, long offset, byte[] payload) {
        public boolean done() {
            return simple || (flags & 1) != 0;
        }
    }

    /** All that came for one request. */
    public record Reply(int error, List<Chunk> chunks, byte[] data) {}

    public final SocketChannel channel;
    public DataInputStream in;
    public DataOutputStream out;
    public NbdReplyStyle style = NbdReplyStyle.SIMPLE;
    public long size;
    public int transmissionFlags;

    private RawNbd(SocketChannel channel) {
        this.channel = channel;
        this.in = new DataInputStream(Channels.newInputStream(channel));
        this.out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16));
    }

    public static RawNbd connect(Path socket) throws IOException {
        return connect(UnixDomainSocketAddress.of(socket));
    }

    public static RawNbd connect(SocketAddress address) throws IOException {
        return new RawNbd(SocketChannel.open(address));
    }

    /** Connected and past the client flags. */
    public static RawNbd haggling(SocketAddress address) throws IOException {
        RawNbd nbd = connect(address);
        nbd.greet(3);
        return nbd;
    }

    /** Begins TLS, which has to be on TCP, and goes on within it. */
    public SSLSocket startTls(SSLContext context, String... versions) throws IOException {
        return startTls(context, channel.socket(), versions);
    }

    /** Likewise, through a socket that stands before ours. */
    public SSLSocket startTls(SSLContext context, Socket through, String... versions) throws IOException {
        require(option(NbdOption.STARTTLS.code()).get(0).type() == ACK, "STARTTLS was refused");
        return handshake(context, through, versions);
    }

    /** TLS on a connection that has been told that it comes. */
    public SSLSocket handshake(SSLContext context, String... versions) throws IOException {
        return handshake(context, channel.socket(), versions);
    }

    private SSLSocket handshake(SSLContext context, Socket through, String... versions) throws IOException {
        SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(through, "localhost", 1, true);
        if (versions.length > 0) {
            tls.setEnabledProtocols(versions);
        }
        tls.startHandshake();
        in = new DataInputStream(tls.getInputStream());
        out = new DataOutputStream(new BufferedOutputStream(tls.getOutputStream(), 1 << 16));
        return tls;
    }

    /** Connected and past the client flags. */
    public static RawNbd haggling(Path socket) throws IOException {
        RawNbd nbd = connect(socket);
        nbd.greet(3);
        return nbd;
    }

    /** In transmission on that export. */
    public static RawNbd transmitting(Path socket, String export, NbdReplyStyle style) throws IOException {
        RawNbd nbd = haggling(socket);
        nbd.negotiate(style);
        nbd.go(export);
        return nbd;
    }

    /** As {@link #transmitting}, with base:allocation. */
    public static RawNbd withAllocation(Path socket, String export, NbdReplyStyle style) throws IOException {
        RawNbd nbd = haggling(socket);
        nbd.negotiate(style);
        nbd.option(NbdOption.SET_META_CONTEXT.code(), metaQuery(export, "base:allocation"));
        nbd.go(export);
        return nbd;
    }

    /** As {@link #withAllocation} if the style can carry it. */
    public static RawNbd withAllocationIfChunked(Path socket, String export, NbdReplyStyle style) throws IOException {
        return style.isChunked() ? withAllocation(socket, export, style) : transmitting(socket, export, style);
    }

    public void greet(int clientFlags) throws IOException {
        require(in.readLong() == NbdMagic.GREETING, "greeting");
        require(in.readLong() == NbdMagic.OPTION, "second magic");
        in.readUnsignedShort();
        out.writeInt(clientFlags);
        out.flush();
    }

    public void negotiate(NbdReplyStyle wanted) throws IOException {
        if (wanted == NbdReplyStyle.STRUCTURED) {
            require(option(NbdOption.STRUCTURED_REPLY.code()).get(0).type() == ACK, "structured replies");
        } else if (wanted == NbdReplyStyle.EXTENDED) {
            require(option(NbdOption.EXTENDED_HEADERS.code()).get(0).type() == ACK, "extended headers");
        }
        style = wanted;
    }

    /** Sends an option and reads its answers up to the last. */
    public List<OptionReply> option(int code, byte[]... payload) throws IOException {
        sendOption(code, payload);
        List<OptionReply> replies = optionReplies();
        for (OptionReply reply : replies) {
            require(reply.option() == code, "an answer to option " + reply.option() + " instead of " + code);
            require(reply.type() != ACK || reply.payload().length == 0, "an ACK with data");
        }
        return replies;
    }

    public void sendOption(int code, byte[]... payload) throws IOException {
        byte[] all = join(payload);
        optionHeader(code, all.length);
        out.write(all);
        out.flush();
    }

    public void sendOptionHeader(int code, int length) throws IOException {
        optionHeader(code, length);
        out.flush();
    }

    private void optionHeader(int code, int length) throws IOException {
        out.writeLong(NbdMagic.OPTION);
        out.writeInt(code);
        out.writeInt(length);
    }

    public List<OptionReply> optionReplies() throws IOException {
        List<OptionReply> replies = new ArrayList<>();
        OptionReply reply;
        do {
            require(in.readLong() == NbdMagic.OPTION_REPLY, "option reply magic");
            int option = in.readInt();
            int type = in.readInt();
            reply = new OptionReply(option, type, in.readNBytes(in.readInt()));
            replies.add(reply);
        } while (reply.type() != ACK && !reply.isError());
        return replies;
    }

    /**
     * GO with the name and the description; fails the test if the server refuses. The block sizes are not asked for: who
     * does promises to keep to them.
     */
    public List<OptionReply> go(String export) throws IOException {
        List<OptionReply> replies = option(NbdOption.GO.code(), infoRequest(export, 1, 2));
        OptionReply last = replies.get(replies.size() - 1);
        require(last.type() == ACK, "GO was refused: " + last.text());
        for (OptionReply reply : replies) {
            byte[] p = reply.payload();
            if (reply.type() == 3 && p[0] == 0 && p[1] == 0) {
                size = java.nio.ByteBuffer.wrap(p).getLong(2);
                transmissionFlags = java.nio.ByteBuffer.wrap(p).getShort(10) & 0xffff;
            }
        }
        return replies;
    }

    public void send(int flags, int type, long cookie, long offset, long length, byte[]... payload) throws IOException {
        put(flags, type, cookie, offset, length, payload);
        out.flush();
    }

    /** A request that leaves with the next that is sent. */
    public void put(int flags, int type, long cookie, long offset, long length, byte[]... payload) throws IOException {
        boolean extended = style == NbdReplyStyle.EXTENDED;
        out.writeInt(extended ? NbdMagic.EXTENDED_REQUEST : NbdMagic.REQUEST);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeLong(offset);
        if (extended) {
            out.writeLong(length);
        } else {
            out.writeInt((int) length);
        }
        out.write(join(payload));
    }

    /** One request and its whole reply. */
    public Reply ask(int flags, NbdCommand command, long offset, long length) throws IOException {
        long cookie = offset * 31 + length * 7 + command.code();
        send(flags, command.code(), cookie, offset, length);
        return reply(cookie, command == NbdCommand.READ ? length : 0);
    }

    public Reply read(long offset, int length) throws IOException {
        return ask(0, NbdCommand.READ, offset, length);
    }

    public Reply write(int flags, long offset, byte[] data) throws IOException {
        int all = style == NbdReplyStyle.EXTENDED ? flags | 32 : flags;
        send(all, NbdCommand.WRITE.code(), 77, offset, data.length, data);
        return reply(77, 0);
    }

    /** Reads one whole reply that must be for {@code cookie}. */
    public Reply reply(long cookie, long readLength) throws IOException {
        List<Chunk> chunks = new ArrayList<>();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        int error = 0;
        Chunk chunk;
        do {
            chunk = chunk(readLength);
            require(chunk.cookie() == cookie, "cookie " + chunk.cookie() + " instead of " + cookie);
            chunks.add(chunk);
            if (chunk.simple()) {
                error = chunk.type();
                data.writeBytes(chunk.payload());
            } else if (NbdReplyType.isError(chunk.type())) {
                error = java.nio.ByteBuffer.wrap(chunk.payload()).getInt();
            } else if (chunk.type() == NbdReplyType.OFFSET_DATA) {
                data.write(chunk.payload(), 8, chunk.payload().length - 8);
            } else if (chunk.type() == NbdReplyType.OFFSET_HOLE) {
                data.writeBytes(
                        new byte[java.nio.ByteBuffer.wrap(chunk.payload()).getInt(8)]);
            }
        } while (!chunk.done());
        return new Reply(error, chunks, data.toByteArray());
    }

    /** The next chunk or simple reply; {@code type} of a simple reply is its error. */
    public Chunk chunk(long readLength) throws IOException {
        return chunk(cookie -> readLength);
    }

    /** Likewise, where the cookie says how much a simple reply has. */
    public Chunk chunk(LongUnaryOperator readLength) throws IOException {
        int magic = in.readInt();
        if (magic == NbdMagic.SIMPLE_REPLY) {
            require(style != NbdReplyStyle.EXTENDED, "a simple reply with extended headers");
            int error = in.readInt();
            long cookie = in.readLong();
            byte[] data = error == 0 && style == NbdReplyStyle.SIMPLE
                    ? in.readNBytes((int) readLength.applyAsLong(cookie))
                    : new byte[0];
            return new Chunk(true, 1, error, cookie, 0, data);
        }
        if (magic == NbdMagic.EXTENDED_REPLY) {
            require(style == NbdReplyStyle.EXTENDED, "an extended reply that was not negotiated");
            int flags = in.readUnsignedShort();
            int type = in.readUnsignedShort();
            long cookie = in.readLong();
            long offset = in.readLong();
            return new Chunk(false, flags, type, cookie, offset, in.readNBytes((int) in.readLong()));
        }
        require(magic == NbdMagic.STRUCTURED_REPLY, "reply magic is " + Integer.toHexString(magic));
        require(style == NbdReplyStyle.STRUCTURED, "a structured reply that was not negotiated");
        int flags = in.readUnsignedShort();
        int type = in.readUnsignedShort();
        long cookie = in.readLong();
        return new Chunk(false, flags, type, cookie, 0, in.readNBytes(in.readInt()));
    }

    /** Says that nothing more will be sent, and goes on reading. */
    public void endSending() throws IOException {
        channel.shutdownOutput();
    }

    /** Whether the server closes without another byte. */
    public boolean isClosedByServer() {
        try {
            return in.read() < 0;
        } catch (IOException e) {
            return true;
        }
    }

    public static byte[] infoRequest(String export, int... infos) {
        return infoRequest(export.getBytes(StandardCharsets.UTF_8), infos);
    }

    public static byte[] infoRequest(byte[] name, int... infos) {
        return bytes(data -> {
            data.writeInt(name.length);
            data.write(name);
            data.writeShort(infos.length);
            for (int info : infos) {
                data.writeShort(info);
            }
        });
    }

    public static byte[] metaQuery(String export, String... queries) {
        return bytes(data -> {
            byte[] name = export.getBytes(StandardCharsets.UTF_8);
            data.writeInt(name.length);
            data.write(name);
            data.writeInt(queries.length);
            for (String query : queries) {
                byte[] text = query.getBytes(StandardCharsets.UTF_8);
                data.writeInt(text.length);
                data.write(text);
            }
        });
    }

    /** What writes to a stream. */
    public interface Writer {
        void write(DataOutputStream data) throws IOException;
    }

    public static byte[] bytes(Writer writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            writer.write(new DataOutputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] join(byte[]... parts) {
        return parts.length == 1
                ? parts[0]
                : bytes(data -> {
                    for (byte[] part : parts) {
                        data.write(part);
                    }
                });
    }

    private static void require(boolean truth, String what) throws IOException {
        if (!truth) {
            throw new EOFException("out of step: " + what);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

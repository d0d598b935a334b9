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
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A client that sends exactly what a test tells it to, right or wrong, and reads what comes back. Blocking, on a unix
 * socket or TCP, with TLS by the JDK's own sockets; knows no state but the style of headers.
 */
final class RawNbd implements AutoCloseable {
    static final int ERR_UNSUP = 0x8000_0001;
    static final int ERR_INVALID = 0x8000_0003;
    static final int ERR_TLS_REQD = 0x8000_0005;
    static final int ERR_UNKNOWN = 0x8000_0006;
    static final int ACK = 1;

    /** One answer to an option. */
    record OptionReply(int option, int type, byte[] payload) {
        boolean isError() {
            return type < 0;
        }

        String text() {
            return new String(payload, StandardCharsets.UTF_8);
        }
    }

    /** One chunk, or a simple reply seen as one. */
    record Chunk(boolean simple, int flags, int type, long cookie, long offset, byte[] payload) {
        boolean done() {
            return simple || (flags & 1) != 0;
        }
    }

    /** All that came for one request. */
    record Reply(int error, List<Chunk> chunks, byte[] data) {}

    final SocketChannel channel;
    DataInputStream in;
    DataOutputStream out;
    NbdReplyStyle style = NbdReplyStyle.SIMPLE;
    long size;
    int transmissionFlags;

    private RawNbd(SocketChannel channel) {
        this.channel = channel;
        this.in = new DataInputStream(Channels.newInputStream(channel));
        this.out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16));
    }

    static RawNbd connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return new RawNbd(channel);
    }

    static RawNbd connect(InetSocketAddress address) throws IOException {
        return new RawNbd(SocketChannel.open(address));
    }

    /** Connected and past the client flags. */
    static RawNbd haggling(InetSocketAddress address) throws IOException {
        RawNbd nbd = connect(address);
        nbd.greet(3);
        return nbd;
    }

    /** Begins TLS, which has to be on TCP, and goes on within it. */
    SSLSocket startTls(SSLContext context, String... versions) throws IOException {
        require(option(NbdOption.STARTTLS.code()).get(0).type() == ACK, "STARTTLS was refused");
        return handshake(context, versions);
    }

    /** TLS on a connection that has been told that it comes. */
    SSLSocket handshake(SSLContext context, String... versions) throws IOException {
        SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(channel.socket(), "localhost", 1, true);
        if (versions.length > 0) {
            tls.setEnabledProtocols(versions);
        }
        tls.startHandshake();
        in = new DataInputStream(tls.getInputStream());
        out = new DataOutputStream(new BufferedOutputStream(tls.getOutputStream(), 1 << 16));
        return tls;
    }

    /** Connected and past the client flags. */
    static RawNbd haggling(Path socket) throws IOException {
        RawNbd nbd = connect(socket);
        nbd.greet(3);
        return nbd;
    }

    /** In transmission on that export. */
    static RawNbd transmitting(Path socket, String export, NbdReplyStyle style) throws IOException {
        RawNbd nbd = haggling(socket);
        nbd.negotiate(style);
        nbd.go(export);
        return nbd;
    }

    /** As {@link #transmitting}, with base:allocation. */
    static RawNbd withAllocation(Path socket, String export, NbdReplyStyle style) throws IOException {
        RawNbd nbd = haggling(socket);
        nbd.negotiate(style);
        nbd.option(NbdOption.SET_META_CONTEXT.code(), metaQuery(export, "base:allocation"));
        nbd.go(export);
        return nbd;
    }

    /** As {@link #withAllocation} if the style can carry it. */
    static RawNbd withAllocationIfChunked(Path socket, String export, NbdReplyStyle style) throws IOException {
        return style.isChunked() ? withAllocation(socket, export, style) : transmitting(socket, export, style);
    }

    void greet(int clientFlags) throws IOException {
        require(in.readLong() == NbdMagic.GREETING, "greeting");
        require(in.readLong() == NbdMagic.OPTION, "second magic");
        in.readUnsignedShort();
        out.writeInt(clientFlags);
        out.flush();
    }

    void negotiate(NbdReplyStyle wanted) throws IOException {
        if (wanted == NbdReplyStyle.STRUCTURED) {
            require(option(NbdOption.STRUCTURED_REPLY.code()).get(0).type() == ACK, "structured replies");
        } else if (wanted == NbdReplyStyle.EXTENDED) {
            require(option(NbdOption.EXTENDED_HEADERS.code()).get(0).type() == ACK, "extended headers");
        }
        style = wanted;
    }

    /** Sends an option and reads its answers up to the last. */
    List<OptionReply> option(int code, byte[]... payload) throws IOException {
        sendOption(code, payload);
        return optionReplies();
    }

    void sendOption(int code, byte[]... payload) throws IOException {
        byte[] all = join(payload);
        optionHeader(code, all.length);
        out.write(all);
        out.flush();
    }

    void sendOptionHeader(int code, int length) throws IOException {
        optionHeader(code, length);
        out.flush();
    }

    private void optionHeader(int code, int length) throws IOException {
        out.writeLong(NbdMagic.OPTION);
        out.writeInt(code);
        out.writeInt(length);
    }

    List<OptionReply> optionReplies() throws IOException {
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
    List<OptionReply> go(String export) throws IOException {
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

    void send(int flags, int type, long cookie, long offset, long length, byte[]... payload) throws IOException {
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
        out.flush();
    }

    /** One request and its whole reply. */
    Reply ask(int flags, NbdCommand command, long offset, long length) throws IOException {
        long cookie = offset * 31 + length * 7 + command.code();
        send(flags, command.code(), cookie, offset, length);
        return reply(cookie, command == NbdCommand.READ ? length : 0);
    }

    Reply read(long offset, int length) throws IOException {
        return ask(0, NbdCommand.READ, offset, length);
    }

    Reply write(int flags, long offset, byte[] data) throws IOException {
        int all = style == NbdReplyStyle.EXTENDED ? flags | 32 : flags;
        send(all, NbdCommand.WRITE.code(), 77, offset, data.length, data);
        return reply(77, 0);
    }

    /** Reads one whole reply that must be for {@code cookie}. */
    Reply reply(long cookie, long readLength) throws IOException {
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
    Chunk chunk(long readLength) throws IOException {
        int magic = in.readInt();
        if (magic == NbdMagic.SIMPLE_REPLY) {
            require(style != NbdReplyStyle.EXTENDED, "a simple reply with extended headers");
            int error = in.readInt();
            long cookie = in.readLong();
            byte[] data = error == 0 && style == NbdReplyStyle.SIMPLE ? in.readNBytes((int) readLength) : new byte[0];
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
    void endSending() throws IOException {
        channel.shutdownOutput();
    }

    /** Whether the server closes without another byte. */
    boolean isClosedByServer() {
        try {
            return in.read() < 0;
        } catch (IOException e) {
            return true;
        }
    }

    static byte[] infoRequest(String export, int... infos) {
        return infoRequest(export.getBytes(StandardCharsets.UTF_8), infos);
    }

    static byte[] infoRequest(byte[] name, int... infos) {
        return bytes(data -> {
            data.writeInt(name.length);
            data.write(name);
            data.writeShort(infos.length);
            for (int info : infos) {
                data.writeShort(info);
            }
        });
    }

    static byte[] metaQuery(String export, String... queries) {
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
    interface Writer {
        void write(DataOutputStream data) throws IOException;
    }

    static byte[] bytes(Writer writer) {
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

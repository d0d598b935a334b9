package io.blockseal.client;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdReplyStyle;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A client in transmission, and a server that answers as an input says. First byte: the style of replies; second: how
 * the server's bytes are cut. Then steps, each of a kind byte and its contents: the client asks something, or the server
 * sends something.
 */
public final class ClientRepliesFuzz implements FuzzTarget {
    private static final int READ = 0;
    private static final int FLUSH = 1;
    private static final int STATUS = 2;
    private static final int WRITE = 3;
    private static final int LEAVE = 4;
    private static final int SIMPLE = 5;
    private static final int CHUNK = 6;
    private static final int DATA = 7;
    private static final int KINDS = 9;
    private static final int REQUESTS_MAX = 64;
    private static final int GUARD_BYTES = 16;
    private static final byte GUARD = 0x5a;
    private static final int[] CHUNK_TYPES = {0, 1, 2, 5, 6, 0x8001, 0x8002, 0x8003, 3, 0x7fff};

    @Override
    public Seeds seeds() {
        return new Seeds()
                .addHex("simple-read", "00 ff 00 08 00 0010 05 00 01 08 0102030405060708 01 05 00 02 00")
                .addHex("simple-error", "00 01 00 08 00 0010 05 16 01 00 04")
                .addHex("read-chunks", "01 ff 00 08 00 0010 07 00 01 00 04 01020304 07 01 01 04 04 05060708")
                .addHex("read-hole", "01 ff 00 08 00 0010 06 02 01 01 0c 000000000000100000000008")
                .addHex("status", "01 ff 02 00 0000 0010 06 03 01 01 0c 00000007 00001000 00000003")
                .addHex(
                        "status-extended",
                        "02 05 02 00 0000 0010 06 04 01 01 18 00000007 00000001 0000000000001000 0000000000000003")
                .addHex("error-chunk", "01 ff 01 06 05 01 01 09 00000005 0003 616263")
                .addHex("error-offset", "02 ff 00 08 00 0010 06 06 01 01 0e 00000005 0000 0000000000001004")
                .addHex("shutdown", "00 ff 01 01 01 01 01 01 05 6c 01 00 05 00 02 00")
                .addHex("write-leave", "00 ff 03 0000 04 05 00 01 00")
                .addHex("wrong-cookie", "00 ff 01 05 00 63 00")
                .addHex("outside", "01 ff 00 08 00 0010 07 01 01 05 08 0102030405060708");
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        NbdReplyStyle style = NbdReplyStyle.values()[draw.u8() % NbdReplyStyle.values().length];
        new Session(style, draw.u8()).play(draw);
    }

    /** One connection. */
    private static final class Session {
        private final NbdReplyStyle style;
        private final EvilServer server;
        private final TransmissionHandler client;
        private final NbdSession session;
        private final List<PendingRequest> requests = new ArrayList<>();
        private final List<byte[]> targets = new ArrayList<>();

        Session(NbdReplyStyle style, int pieceBytes) throws Exception {
            this.style = style;
            this.session = new NbdSession(
                    style, 1 << 20, 0x0d6d, NbdBlockSizes.DEFAULT, "disk", "", List.of(new NbdMetaContext(7, "x:y")));
            this.server = new EvilServer(pieceBytes, new ChannelInboundHandlerAdapter());
            NbdClientOptions options = NbdClientOptions.builder().maxInFlight(4).build();
            this.client = new TransmissionHandler(server.channel(), session, options);
            server.channel().pipeline().removeFirst();
            server.channel().pipeline().addLast(client);
        }

        void play(Draw draw) {
            while (draw.hasMore() && server.channel().isOpen()) {
                step(draw);
            }
            server.hangUp();
            for (PendingRequest request : requests) {
                EvilServer.promiseSettled(request.done(), request.toString());
            }
            EvilServer.promiseSettled(client.ended(), "the connection's end");
            targets.forEach(Session::promiseGuards);
            server.promiseNothingIsLeft();
        }

        private void step(Draw draw) {
            switch (draw.u8() % KINDS) {
                case READ -> read(draw);
                case FLUSH -> submit(new PendingRequest(NbdCommand.FLUSH, 0, 0, 0, null));
                case STATUS -> submit(new PendingStatus(draw.u8() & 8, draw.u16(), draw.u16(), session));
                case WRITE ->
                    submit(new PendingRequest(NbdCommand.WRITE, 0, draw.u16(), 4, server.buffer(new byte[4])));
                case LEAVE -> client.leave();
                case SIMPLE -> simple(draw);
                case CHUNK -> chunk(draw, CHUNK_TYPES[draw.u8() % CHUNK_TYPES.length], false);
                case DATA -> chunk(draw, 1, true);
                default -> server.send(draw.bytes(draw.u8() + 1));
            }
        }

        private void read(Draw draw) {
            int length = draw.u8();
            byte[] target = new byte[length + 2 * GUARD_BYTES];
            Arrays.fill(target, GUARD);
            targets.add(target);
            submit(new PendingRead(draw.u8() & 4, draw.u16(), length, Unpooled.wrappedBuffer(target), GUARD_BYTES));
        }

        private void submit(PendingRequest request) {
            if (requests.size() < REQUESTS_MAX) {
                requests.add(request);
                client.submit(List.of(request));
            } else {
                request.abandon(new NbdDisconnectedException("enough", null));
            }
        }

        private void simple(Draw draw) {
            ByteBuf out = Unpooled.buffer();
            out.writeInt(NbdMagic.SIMPLE_REPLY).writeInt(draw.u8()).writeLong(draw.u8());
            send(out.writeBytes(draw.bytes(draw.u8())));
        }

        /** A chunk whose lengths are right; {@code data} puts the request's own offset in front of the payload. */
        private void chunk(Draw draw, int type, boolean data) {
            int flags = draw.u8();
            int cookie = draw.u8();
            int shift = data ? draw.u8() : 0;
            byte[] payload = draw.bytes(draw.u8());
            long offset = cookie >= 1 && cookie <= requests.size()
                    ? requests.get(cookie - 1).offset()
                    : 0;
            boolean extended = style == NbdReplyStyle.EXTENDED;
            ByteBuf out = Unpooled.buffer();
            out.writeInt(extended ? NbdMagic.EXTENDED_REPLY : NbdMagic.STRUCTURED_REPLY);
            out.writeShort(flags).writeShort(type).writeLong(cookie);
            long length = payload.length + (data ? Long.BYTES : 0);
            if (extended) {
                out.writeLong(offset).writeLong(length);
            } else {
                out.writeInt((int) length);
            }
            if (data) {
                out.writeLong(offset + shift);
            }
            send(out.writeBytes(payload));
        }

        private void send(ByteBuf out) {
            server.send(ByteBufUtil.getBytes(out));
        }

        private static void promiseGuards(byte[] target) {
            for (int i = 0; i < GUARD_BYTES; i++) {
                promise(
                        target[i] == GUARD && target[target.length - 1 - i] == GUARD,
                        "an answer is written beside the caller's buffer");
            }
        }
    }
}

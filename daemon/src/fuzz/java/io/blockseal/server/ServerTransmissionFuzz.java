package io.blockseal.server;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/**
 * A client that has opened an export sends requests. First byte: style, export and how the device answers; second: how
 * the bytes are cut. Then steps: a request that is framed as it should be, with any command, flags, place and length,
 * or bytes that are none.
 *
 * <p>As long as every request was framed, each must have been answered exactly once when the devices are done.
 */
public final class ServerTransmissionFuzz implements FuzzTarget {
    private static final String[] EXPORTS = {"disk", "readonly", "plain"};
    private static final int STEPS = 16;
    private static final int LET_GO = 14;
    private static final int RAW = 15;
    private static final int DISC = 2;
    private static final int WRITE = 1;
    private static final int PAYLOAD_FLAG = 32;
    /** What a BLOCK_STATUS has that names one context. */
    private static final int STATUS_LIST = 8 + 4;

    private static final long[] PLACES = {0, 1, 511, 4096, 32768, WireServer.DISK_BYTES - 1, WireServer.DISK_BYTES, -1};
    private static final long[] LENGTHS = {
        0, 1, 512, 4096, 4097, WireServer.DISK_BYTES, WireServer.DISK_BYTES + 1, 32 << 20, 0xffff_ffffL, STATUS_LIST
    };

    @Override
    public Seeds seeds() {
        return new Seeds()
                .addHex("simple", "00 ff 00 00 00 02 01 00 00 02 03 00 00 00")
                .addHex("structured", "01 ff 00 00 00 03 01 00 03 03 07 00 00 03 06 00 00 03 04 00 00 03 05 01 00 03")
                .addHex("extended", "02 ff 00 00 00 03 01 20 03 03 07 08 00 05 00 04 00 05")
                .addHex("status-list", "02 01 07 20 00 09 07 20 07 09 07 28 00 09")
                .addHex("pieces", "01 00 01 00 00 04 00 00 00 05 03 00 00 00")
                .addHex("held", "61 ff 00 00 00 03 01 00 03 03 0e 00 00 00 05")
                .addHex("later-drain", "a2 10 01 00 00 05 00 00 00 05 06 03 04 03")
                .addHex("out-of-bounds", "00 ff 00 00 06 01 01 00 05 02 00 00 07 08 04 00 07 08")
                .addHex("read-only", "05 ff 01 00 00 03 04 00 00 03 06 00 00 03")
                .addHex("plain-blocks", "09 ff 00 00 01 01 01 00 02 02 06 10 00 03")
                .addHex("unknown", "01 ff 09 ff 00 03 08 00 00 00 0d ff 07 08")
                .addHex("disc", "01 ff 00 00 00 03 02 00 00 00 00 00 00 03")
                .addHex("no-magic", "00 ff 0f 1234567890");
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int how = draw.u8();
        NbdReplyStyle style = NbdReplyStyle.values()[how % NbdReplyStyle.values().length];
        WireServer server = new WireServer();
        server.receive(handshake(style, EXPORTS[(how >> 2) % EXPORTS.length]), 1 << 16);
        server.takeSent();
        server.disk().later = (how & 32) != 0;
        server.disk().hold = (how & 64) != 0;
        AnswerCount answers = new AnswerCount(style);
        boolean framed = play(draw, server, style, answers);
        boolean drained = (how & 128) != 0;
        if (drained) {
            server.drain();
        }
        server.letDevicesGo();
        if (framed) {
            answers.read(server.takeSent());
            // A server that stops closes when what it had begun is answered, whatever else lies in its buffer.
            promise(drained || answers.outstanding() == 0, answers.outstanding() + " requests were never answered");
        }
        server.end();
    }

    /** Whether every byte so far belonged to a request. */
    private static boolean play(Draw draw, WireServer server, NbdReplyStyle style, AnswerCount answers) {
        int pieceBytes = 1 + draw.u8() * 16;
        boolean framed = true;
        int cookie = 1;
        while (draw.hasMore() && server.isOpen() && framed) {
            int step = draw.u8() % STEPS;
            if (step == LET_GO) {
                server.letDevicesGo();
            } else if (step == RAW) {
                framed = false;
                server.receive(draw.rest(), pieceBytes);
            } else {
                int command = step % 10;
                int flags = draw.u8();
                long place = PLACES[draw.u8() % PLACES.length];
                long length = LENGTHS[draw.u8() % LENGTHS.length];
                boolean payload = command == WRITE || (style == NbdReplyStyle.EXTENDED && (flags & PAYLOAD_FLAG) != 0);
                // Beyond this the server may cut the client off, and asking more of it would only take time.
                if (command == DISC || (payload && length > 2 * WireServer.DISK_BYTES)) {
                    framed = false;
                } else {
                    answers.asked(cookie, command, length);
                }
                server.receive(request(style, flags, command, cookie, place, length, payload), pieceBytes);
                cookie++;
                if (framed && server.isOpen()) {
                    answers.read(server.takeSent());
                }
            }
        }
        return framed && server.isOpen();
    }

    private static byte[] request(
            NbdReplyStyle style, int flags, int command, int cookie, long place, long length, boolean payload) {
        ByteBuf out = Unpooled.buffer(64);
        out.writerIndex(NbdRequestHeader.encode(style, out, 0, flags, command, cookie, place, length));
        if (payload && length == STATUS_LIST) {
            // About the first block, of the only context.
            out.writeLong(4096).writeInt(1);
        } else if (payload) {
            out.writeZero((int) Math.min(length, 2 * WireServer.DISK_BYTES));
        }
        return ByteBufUtil.getBytes(out);
    }

    private static byte[] handshake(NbdReplyStyle style, String export) {
        ByteBuf out = Unpooled.buffer().writeInt(3);
        if (style == NbdReplyStyle.STRUCTURED) {
            option(out, NbdOption.STRUCTURED_REPLY, Unpooled.EMPTY_BUFFER);
        } else if (style == NbdReplyStyle.EXTENDED) {
            option(out, NbdOption.EXTENDED_HEADERS, Unpooled.EMPTY_BUFFER);
        }
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        if (style != NbdReplyStyle.SIMPLE) {
            byte[] query = "base:allocation".getBytes(StandardCharsets.UTF_8);
            ByteBuf meta = Unpooled.buffer().writeInt(name.length).writeBytes(name);
            meta.writeInt(1).writeInt(query.length).writeBytes(query);
            option(out, NbdOption.SET_META_CONTEXT, meta);
        }
        ByteBuf go = Unpooled.buffer().writeInt(name.length).writeBytes(name).writeShort(0);
        option(out, NbdOption.GO, go);
        return ByteBufUtil.getBytes(out);
    }

    private static void option(ByteBuf out, NbdOption option, ByteBuf payload) {
        out.writeLong(0x4948_4156_454f_5054L).writeInt(option.code());
        out.writeInt(payload.readableBytes()).writeBytes(payload);
    }
}

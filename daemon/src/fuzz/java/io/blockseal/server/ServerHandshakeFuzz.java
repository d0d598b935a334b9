package io.blockseal.server;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/**
 * A stranger haggles with the server. First byte: how the bytes are cut; second: the client's flags (255: the rest are
 * the client's bytes as they are). Then options, each of its number, the kind of its payload and that.
 */
public final class ServerHandshakeFuzz implements FuzzTarget {
    private static final int AS_THEY_ARE = 255;
    private static final long IHAVEOPT = 0x4948_4156_454f_5054L;
    private static final String[] NAMES = {"disk", "readonly", "plain", "", "other"};
    private static final String[] QUERIES = {"base:allocation", "base:", "x:", "base:other"};

    @Override
    public Seeds seeds() {
        String option = "49484156454f5054";
        String disk = "00000004 6469736b";
        return new Seeds()
                .addHex(
                        "libnbd",
                        "ff ff 00000003" + option + "00000008 00000000" + option + "0000000a 0000001f" + disk
                                + "00000001 0000000f 626173653a616c6c6f636174696f6e" + option + "00000007 0000000a"
                                + disk + "0000"
                                + "25609513 0000 0000 0000000000000001 0000000000000000 00000200"
                                + "25609513 0000 0002 0000000000000002 0000000000000000 00000000")
                .addHex("export-name", "03 00 01 01 00")
                .addHex("export-name-padded", "40 01 01 01 00")
                .addHex("list-abort", "ff 03 03 00 02 00")
                .addHex("go", "40 03 08 00 0a 03 00 01 00 07 02 00 02 01 03")
                .addHex("extended", "ff 03 0b 00 0a 03 00 02 01 03 06 02 00 00 07 02 01 00")
                .addHex("starttls", "ff 03 05 00 04 01 00 63 04 05 0102030405")
                .addHex("unknown-export", "ff 03 07 02 04 00 01 04 07 04 06 ffffffff0000")
                .addHex("bad-flags", "ff 80")
                .addHex("long-option", "ff ff 00000001" + option + "00000003 ffffffff");
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int pieceBytes = draw.u8();
        int flags = draw.u8();
        WireServer server = new WireServer();
        if (flags == AS_THEY_ARE) {
            server.receive(draw.rest(), pieceBytes);
        } else {
            server.receive(new byte[] {0, 0, 0, (byte) flags}, pieceBytes);
            while (draw.hasMore() && server.isOpen()) {
                server.receive(option(draw), pieceBytes);
            }
        }
        server.end();
    }

    private static byte[] option(Draw draw) {
        int number = draw.u8();
        byte[] payload = payload(draw);
        return ByteBufUtil.getBytes(Unpooled.buffer()
                .writeLong(IHAVEOPT)
                .writeInt(number)
                .writeInt(payload.length)
                .writeBytes(payload));
    }

    private static byte[] payload(Draw draw) {
        ByteBuf out = Unpooled.buffer();
        switch (draw.u8() % 5) {
            case 0 -> {}
            case 1 -> out.writeBytes(name(draw));
            case 2 -> {
                lengthAnd(out, name(draw));
                int infos = draw.u8() % 8;
                out.writeShort(infos);
                for (int i = 0; i < infos; i++) {
                    out.writeShort(draw.u8());
                }
            }
            case 3 -> {
                lengthAnd(out, name(draw));
                int queries = draw.u8() % 8;
                out.writeInt(queries);
                for (int i = 0; i < queries; i++) {
                    lengthAnd(out, text(QUERIES, draw));
                }
            }
            default -> out.writeBytes(draw.bytes(draw.u8()));
        }
        return ByteBufUtil.getBytes(out);
    }

    private static byte[] name(Draw draw) {
        return text(NAMES, draw);
    }

    /** One of the known texts, or bytes of the input's own. */
    private static byte[] text(String[] known, Draw draw) {
        int choice = draw.u8();
        return choice < known.length
                ? known[choice].getBytes(StandardCharsets.UTF_8)
                : draw.bytes(choice - known.length);
    }

    private static void lengthAnd(ByteBuf out, byte[] text) {
        out.writeInt(text.length).writeBytes(text);
    }
}

package io.blockseal.client;

import io.blockseal.client.HandshakeHandler.Purpose;
import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;

/**
 * A client haggles with a server that means it ill. The first byte says what the client wants, the second how the
 * server's bytes are cut. Then messages, each of a kind byte and its contents, until the server hangs up.
 */
public final class ClientHandshakeFuzz implements FuzzTarget {
    private static final int GREETING = 0;
    private static final int REPLY = 1;
    private static final int KINDS = 3;
    private static final int[] REPLY_TYPES = {
        1, 2, 3, 4, 0x8000_0001, 0x8000_0002, 0x8000_0003, 0x8000_0005, 0x8000_0006, 0x8000_0008, 0x8000_0009, 0, 99
    };

    @Override
    public Seeds seeds() {
        String size = "01 02 0c 0000 0000000000100000 016d";
        return new Seeds()
                .addHex(
                        "extended-go",
                        "00 ff 00 03 01 00 00 01 03 13 00000001 626173653a616c6c6f636174696f6e 01 00 00" + size
                                + "01 00 00")
                .addHex("structured-go", "0c ff 00 03 01 00 00 01 00 00" + size + "01 00 00")
                .addHex("go-unknown", "1c 03 00 03 01 04 00 02 0a 0000000000100000 016d 02 00 00")
                .addHex("export-name", "1c ff 00 00 02 85 0000000000100000 016d" + "00".repeat(124))
                .addHex("describe", "01 ff 00 03 01 04 00 01 04 00" + size + "01 02 06 0003 00000001 01 00 00 01 00 00")
                .addHex("list", "02 ff 00 03 01 01 08 00000002 6162 6364 01 00 00 01 00 00")
                .addHex("refused", "0c ff 00 03 01 06 04 6e6f7065 01 07 03 ffffff")
                .addHex("oldstyle", "00 ff 02 11 4e42444d41474943 00420281861253 00")
                .addHex("info-short", "0c ff 00 03 01 04 00 01 02 02 0000 01 02 01 00");
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int wishes = draw.u8();
        NbdClientOptions options = NbdClientOptions.builder()
                .structuredReplies((wishes & 4) == 0)
                .extendedHeaders((wishes & 8) == 0)
                .go((wishes & 16) == 0)
                .blockSizes((wishes & 32) == 0)
                .build();
        Purpose purpose = Purpose.values()[(wishes & 3) % Purpose.values().length];
        HandshakeHandler client = new HandshakeHandler(purpose, "disk", options);
        EvilServer server = new EvilServer(draw.u8(), client);
        while (draw.hasMore() && server.channel().isOpen()) {
            server.send(message(draw, server));
        }
        CompletableFuture<HandshakeHandler.Outcome> outcome = client.outcome();
        server.hangUp();
        EvilServer.promiseSettled(outcome, "the handshake");
        if (!outcome.isCompletedExceptionally() && outcome.join().transmission() != null) {
            EvilServer.promiseSettled(outcome.join().transmission().ended().exceptionally(ended -> null), "the end");
        }
        server.promiseNothingIsLeft();
    }

    private static byte[] message(Draw draw, EvilServer server) {
        ByteBuf out = Unpooled.buffer();
        switch (draw.u8() % KINDS) {
            case GREETING ->
                out.writeLong(0x4e42_444d_4147_4943L)
                        .writeLong(0x4948_4156_454f_5054L)
                        .writeShort(draw.u8());
            case REPLY -> {
                int type = REPLY_TYPES[draw.u8() % REPLY_TYPES.length];
                byte[] payload = draw.bytes(draw.u8());
                out.writeLong(0x0003_e889_0455_65a9L)
                        .writeInt(server.lastOption())
                        .writeInt(type);
                out.writeInt(payload.length).writeBytes(payload);
            }
            default -> out.writeBytes(draw.bytes(draw.u8() + 1));
        }
        byte[] bytes = ByteBufUtil.getBytes(out);
        out.release();
        return bytes;
    }
}

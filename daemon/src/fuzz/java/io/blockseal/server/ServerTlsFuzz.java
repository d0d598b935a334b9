package io.blockseal.server;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * A stranger haggles about TLS. First byte: how the bytes are cut; second: whether the rest comes behind STARTTLS as it
 * is, or else which version a real client has. Then what becomes of each of its records, one byte a record and what that
 * needs; when all are spent, they go through as they are. What is left then is what the client says within TLS.
 *
 * <p>Whatever the server says behind its answer to STARTTLS is TLS, record by record.
 */
public final class ServerTlsFuzz implements FuzzTarget {
    private static final byte[] ASK = Seeds.hex("00000003 49484156454f5054 00000005 00000000");
    private static final int ANSWER_BYTES = 18 + 20;
    private static final int RECORD_HEADER_BYTES = 5;
    private static final int RECORD_BYTES_MAX = RECORD_HEADER_BYTES + (16 << 10) + 2048;
    private static final int TURNS_MAX = 40;
    private static final int RAW = 1;
    private static final int OLDER = 2;
    /** From here on records go through as they are. */
    private static final int ENOUGH = 15;

    private static final FuzzCertificate CERTIFICATE;
    private static final SSLContext CLIENT;

    static {
        try {
            CERTIFICATE = new FuzzCertificate();
            CLIENT = CERTIFICATE.client();
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ByteBuf said = Unpooled.buffer();

    @Override
    public Seeds seeds() {
        String go = "00000003 49484156454f5054 00000007 0000000a 00000004 6469736b 0000";
        return new Seeds()
                .addHex("tls13", "ff 00 0f" + go + "25609513 0000 0000 0000000000000001 0000000000000000 00000200")
                .addHex("tls12", "ff 02 0f" + go)
                .addHex("single-bytes", "01 00 0f" + go)
                .addHex("split-records", "ff 00 04 0100 04 0200 04 0300 0f" + go)
                .addHex("spoilt-hello", "ff 00 01 0b00 01 0f" + go)
                .addHex("spoilt-finish", "ff 00 00 00 01 1000 80 0f" + go)
                .addHex("doubled", "ff 00 03 03 0f")
                .addHex("cut", "40 02 02 4000 0f")
                .addHex("dropped", "ff 02 00 06 0f")
                .addHex("gone", "ff 00 07")
                .addHex("plain", "ff 01" + go)
                .addHex("alert", "ff 01 15 0303 0002 02 28")
                .addHex("endless-record", "ff 01 16 0303 ffff 01 00ffff")
                .addHex("old-hello", "ff 01 80 2e 01 0300 0015 0000 0010 00000a")
                .addHex("injected", "ff 00 05 08 49484156454f5054 0f" + go);
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int pieceBytes = draw.u8();
        int how = draw.u8();
        said.clear();
        WireServer server = new WireServer(CERTIFICATE.protection());
        server.receive(ASK, 1 << 16);
        promise(server.takeSent().length == ANSWER_BYTES, "the server does not begin TLS");
        if ((how & RAW) != 0) {
            server.receive(draw.rest(), pieceBytes);
            hear(server);
        } else {
            converse(client((how & OLDER) != 0), server, draw, pieceBytes);
        }
        server.end();
        hear(server);
        promise(!said.isReadable(), "a record of the server's is cut short");
    }

    private static SSLEngine client(boolean older) {
        SSLEngine engine = CLIENT.createSSLEngine("localhost", 1);
        engine.setUseClientMode(true);
        engine.setEnabledProtocols(new String[] {older ? "TLSv1.2" : "TLSv1.3"});
        return engine;
    }

    private void converse(SSLEngine client, WireServer server, Draw draw, int pieceBytes) {
        ByteBuffer toRead = ByteBuffer.allocate(1 << 17).flip();
        boolean meddling = true;
        try {
            client.beginHandshake();
            for (int turn = 0; turn < TURNS_MAX && server.isOpen(); turn++) {
                HandshakeStatus status = client.getHandshakeStatus();
                if (status == HandshakeStatus.NEED_TASK) {
                    client.getDelegatedTask().run();
                } else if (status == HandshakeStatus.NEED_UNWRAP || status == HandshakeStatus.NEED_UNWRAP_AGAIN) {
                    listen(server, toRead);
                    SSLEngineResult heard = client.unwrap(toRead, ByteBuffer.allocate(1 << 15));
                    if (heard.getStatus() != SSLEngineResult.Status.OK) {
                        return;
                    }
                } else {
                    boolean secured = status != HandshakeStatus.NEED_WRAP;
                    byte[] record = wrap(client, secured ? draw.rest() : new byte[0]);
                    int fate = meddling && draw.hasMore() ? draw.u8() % 16 : ENOUGH;
                    meddling &= fate != ENOUGH;
                    if (fate == 7) {
                        return;
                    }
                    server.receive(meddled(record, fate, draw), pieceBytes);
                    if (secured) {
                        hear(server);
                        return;
                    }
                }
            }
        } catch (SSLException refused) {
            // The client has its own opinion of what came of its records.
            hear(server);
        }
    }

    private static byte[] wrap(SSLEngine client, byte[] plain) throws SSLException {
        ByteBuffer out = ByteBuffer.allocate(1 << 16);
        client.wrap(ByteBuffer.wrap(plain), out);
        return Arrays.copyOf(out.array(), out.position());
    }

    private void listen(WireServer server, ByteBuffer toRead) {
        byte[] news = hear(server);
        toRead.compact();
        toRead.put(news, 0, Math.min(news.length, toRead.remaining()));
        toRead.flip();
    }

    /** What the server has said since the last time; it has to be TLS. */
    private byte[] hear(WireServer server) {
        byte[] news = server.takeSent();
        said.writeBytes(news);
        while (said.readableBytes() >= RECORD_HEADER_BYTES) {
            int at = said.readerIndex();
            int kind = said.getUnsignedByte(at);
            int length = RECORD_HEADER_BYTES + said.getUnsignedShort(at + 3);
            promise(
                    kind >= 20 && kind <= 23 && said.getUnsignedByte(at + 1) == 3 && length <= RECORD_BYTES_MAX,
                    "the server says something that is no TLS");
            if (said.readableBytes() < length) {
                break;
            }
            said.skipBytes(length);
        }
        return news;
    }

    private static byte[] meddled(byte[] record, int fate, Draw draw) {
        return switch (fate) {
            case 1 -> {
                byte[] spoilt = record.clone();
                if (spoilt.length > 0) {
                    spoilt[draw.u16() % spoilt.length] ^= (byte) draw.u8();
                }
                yield spoilt;
            }
            case 2 -> Arrays.copyOf(record, Math.min(record.length, draw.u16()));
            case 3 -> Patches.join(record, record);
            case 4 -> split(record, draw.u16());
            case 5 -> Patches.join(draw.bytes(draw.u8()), record);
            case 6 -> new byte[0];
            case 8 -> Patches.join(record, draw.bytes(draw.u8()));
            default -> record;
        };
    }

    /** The same in two records, as anybody may send it. */
    private static byte[] split(byte[] record, int where) {
        int length = record.length - RECORD_HEADER_BYTES;
        if (length < 2) {
            return record;
        }
        int first = RECORD_HEADER_BYTES + 1 + where % (length - 1);
        byte[] head = Arrays.copyOf(record, first);
        byte[] rest = Patches.join(
                Arrays.copyOf(record, RECORD_HEADER_BYTES), Arrays.copyOfRange(record, first, record.length));
        lengthOf(head);
        lengthOf(rest);
        return Patches.join(head, rest);
    }

    private static void lengthOf(byte[] record) {
        int length = record.length - RECORD_HEADER_BYTES;
        record[3] = (byte) (length >> 8);
        record[4] = (byte) length;
    }
}

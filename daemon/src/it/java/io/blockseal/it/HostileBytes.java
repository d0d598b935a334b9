package io.blockseal.it;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/** What hostile clients send: sound pieces of NBD and TLS, and what a seed makes of them. */
final class HostileBytes {
    static final int GREETING_BYTES = 18;
    static final int OPTION_REPLY_BYTES = 20;

    static final int EXPORT_NAME = 1;
    static final int LIST = 3;
    static final int STARTTLS = 5;
    static final int INFO = 6;
    static final int GO = 7;
    static final int STRUCTURED_REPLY = 8;
    static final int LIST_META_CONTEXT = 9;
    static final int SET_META_CONTEXT = 10;
    static final int EXTENDED_HEADERS = 11;

    static final int READ = 0;
    static final int WRITE = 1;

    private static final long OPTION_MAGIC = 0x49484156454f5054L;
    private static final int REQUEST_MAGIC = 0x25609513;

    private HostileBytes() {}

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    static byte[] flags(int flags) {
        return ByteBuffer.allocate(4).putInt(flags).array();
    }

    static byte[] option(int number, byte[] payload) {
        return join(optionHeader(number, payload.length), payload);
    }

    static byte[] optionHeader(int number, int length) {
        return ByteBuffer.allocate(16)
                .putLong(OPTION_MAGIC)
                .putInt(number)
                .putInt(length)
                .array();
    }

    static byte[] go(String export) {
        byte[] name = text(export);
        return option(
                GO,
                ByteBuffer.allocate(4 + name.length + 2)
                        .putInt(name.length)
                        .put(name)
                        .putShort((short) 0)
                        .array());
    }

    static byte[] metaContexts(int option, String export, int queries, String query) {
        byte[] name = text(export);
        byte[] asked = text(query);
        ByteBuffer payload = ByteBuffer.allocate(4 + name.length + 4 + queries * (4 + asked.length));
        payload.putInt(name.length).put(name).putInt(queries);
        for (int i = 0; i < queries; i++) {
            payload.putInt(asked.length).put(asked);
        }
        return option(option, payload.array());
    }

    /** The header of a compact request. */
    static byte[] request(int flags, int command, long cookie, long offset, int length) {
        return ByteBuffer.allocate(28)
                .putInt(REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length)
                .array();
    }

    /** All that a client of usual habits sends until it reads and writes. */
    static byte[] handshake(String export, Random random) {
        return join(
                flags(random.nextBoolean() ? 3 : 1),
                random.nextBoolean() ? option(STRUCTURED_REPLY, new byte[0]) : option(EXTENDED_HEADERS, new byte[0]),
                random.nextBoolean() ? option(LIST, new byte[0]) : option(INFO, goPayload(export)),
                metaContexts(SET_META_CONTEXT, export, 1, "base:allocation"),
                go(export));
    }

    private static byte[] goPayload(String export) {
        byte[] whole = go(export);
        return Arrays.copyOfRange(whole, 16, whole.length);
    }

    /** The same with some bytes changed, put in, left out or doubled, or its end cut off. */
    static byte[] mutated(byte[] sound, Random random) {
        byte[] bytes = sound.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes && bytes.length > 2; i++) {
            int at = random.nextInt(bytes.length);
            int length = Math.min(1 + random.nextInt(8), bytes.length - at);
            byte[] before = Arrays.copyOf(bytes, at);
            byte[] piece = Arrays.copyOfRange(bytes, at, at + length);
            byte[] behind = Arrays.copyOfRange(bytes, at + length, bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes = join(before, noise(length, random), behind);
                case 2 -> bytes = join(before, noise(1 + random.nextInt(64), random), piece, behind);
                case 3 -> bytes = join(before, behind);
                case 4 -> bytes = join(before, piece, piece, behind);
                default -> {
                    byte[] extreme = new byte[length];
                    Arrays.fill(extreme, (byte) (random.nextBoolean() ? 0xff : 0x7f));
                    bytes = join(before, extreme, behind);
                }
            }
        }
        return random.nextInt(4) == 0 ? Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length)) : bytes;
    }

    static byte[] noise(int length, Random random) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** The first flight of a TLS client. */
    static byte[] clientHello(SSLContext context) throws SSLException {
        SSLEngine engine = context.createSSLEngine("localhost", 1);
        engine.setUseClientMode(true);
        engine.beginHandshake();
        ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.wrap(ByteBuffer.allocate(0), out);
        return Arrays.copyOf(out.array(), out.position());
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

package io.blockseal.server.tls;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * Whether a client's hello (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2) offers to prove itself by a pre-shared key. Up to TLS 1.2
 * its cipher suites say so. In 1.3 it names the keys; but what it names may also be a ticket of an earlier session, so only
 * a name that we know counts.
 */
final class PskOffer {
    private static final int VERSION_AND_RANDOM_BYTES = 2 + 32;
    private static final int PRE_SHARED_KEY = 41;
    private static final int TICKET_AGE_BYTES = 4;

    private PskOffer() {}

    /** The hello is what stands behind its handshake header; nothing of it is consumed. */
    static boolean isIn(ByteBuf hello, PresharedKeys keys) {
        try {
            ByteBuf in = hello.duplicate();
            in.skipBytes(VERSION_AND_RANDOM_BYTES);
            in.skipBytes(in.readUnsignedByte());
            ByteBuf suites = in.readSlice(in.readUnsignedShort());
            while (suites.isReadable()) {
                if (PskSuites.isOfTls12(suites.readUnsignedShort())) {
                    return true;
                }
            }
            in.skipBytes(in.readUnsignedByte());
            ByteBuf extensions = in.isReadable() ? in.readSlice(in.readUnsignedShort()) : in;
            while (extensions.isReadable()) {
                int type = extensions.readUnsignedShort();
                ByteBuf body = extensions.readSlice(extensions.readUnsignedShort());
                if (type == PRE_SHARED_KEY) {
                    return namesOneOf(keys, body.readSlice(body.readUnsignedShort()));
                }
            }
            return false;
        } catch (IndexOutOfBoundsException malformed) {
            // Whoever does the handshake says so to the client.
            return false;
        }
    }

    private static boolean namesOneOf(PresharedKeys keys, ByteBuf identities) {
        while (identities.isReadable()) {
            int length = identities.readUnsignedShort();
            String name =
                    identities.readCharSequence(length, StandardCharsets.UTF_8).toString();
            identities.skipBytes(TICKET_AGE_BYTES);
            if (keys.has(name)) {
                return true;
            }
        }
        return false;
    }
}

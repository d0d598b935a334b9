package io.blockseal.server;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdReplyStyle;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.Map;

/** Reads a server's replies as a client that trusts nobody: each is whole, for a request under way, and ends it once. */
final class AnswerCount {
    private static final int READ = 0;
    private static final int DONE = 1;
    private static final int PAYLOAD_MAX = 1 << 20;

    private final NbdReplyStyle style;
    private final Map<Long, Long> dataBytesByCookie = new HashMap<>();
    private final ByteBuf held = Unpooled.buffer();

    AnswerCount(NbdReplyStyle style) {
        this.style = style;
    }

    void asked(long cookie, int command, long length) {
        dataBytesByCookie.put(cookie, command == READ ? length : 0);
    }

    int outstanding() {
        return dataBytesByCookie.size();
    }

    void read(byte[] sent) {
        held.writeBytes(sent);
        while (held.isReadable()) {
            reply();
        }
        held.clear();
    }

    private void reply() {
        promise(held.readableBytes() >= Integer.BYTES, "a reply is cut short");
        int magic = held.readInt();
        if (magic == NbdMagic.SIMPLE_REPLY && style != NbdReplyStyle.EXTENDED) {
            promise(held.readableBytes() >= 12, "a simple reply is cut short");
            int error = held.readInt();
            long data = ended(held.readLong());
            skip(error == 0 && !style.isChunked() ? data : 0);
            return;
        }
        boolean extended = style == NbdReplyStyle.EXTENDED;
        promise(
                magic == (extended ? NbdMagic.EXTENDED_REPLY : NbdMagic.STRUCTURED_REPLY) && style.isChunked(),
                "a reply begins with " + Integer.toHexString(magic));
        promise(held.readableBytes() >= (extended ? 28 : 16), "a chunk is cut short");
        int flags = held.readUnsignedShort();
        held.readUnsignedShort();
        long cookie = held.readLong();
        promise(dataBytesByCookie.containsKey(cookie), "a chunk for no request");
        if (extended) {
            held.readLong();
        }
        long length = extended ? held.readLong() : held.readUnsignedInt();
        promise(length >= 0 && length <= PAYLOAD_MAX, "a chunk of " + length + " bytes");
        skip(length);
        if ((flags & DONE) != 0) {
            ended(cookie);
        }
    }

    private void skip(long bytes) {
        promise(held.readableBytes() >= bytes, "a payload is cut short");
        held.skipBytes((int) bytes);
    }

    private long ended(long cookie) {
        Long dataBytes = dataBytesByCookie.remove(cookie);
        promise(dataBytes != null, "an answer to a request that is not under way");
        return dataBytes;
    }
}

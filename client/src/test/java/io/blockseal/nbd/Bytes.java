package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Golden bytes as the specification's tables read: hexadecimal, with blanks where a field ends. */
final class Bytes {
    private Bytes() {}

    static ByteBuf of(String hexFields) {
        return Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hexFields.replace(" ", "")));
    }

    static String hex(ByteBuf buffer) {
        return ByteBufUtil.hexDump(buffer);
    }

    static String hex(ByteBuf buffer, int index, int length) {
        return ByteBufUtil.hexDump(buffer, index, length);
    }

    static String hexOf(String ascii) {
        return ByteBufUtil.hexDump(ascii.getBytes(StandardCharsets.UTF_8));
    }

    static String plain(String hexFields) {
        return hexFields.replace(" ", "");
    }
}

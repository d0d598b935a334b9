package io.blockseal.keysource.azure;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A form of HTML as bytes, which {@link #close} wipes: a secret may stand in it. On one thread. */
final class FormBody implements AutoCloseable {
    private static final byte[] DIGITS = "0123456789ABCDEF".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes = new byte[1024];
    private int length;

    /** Adds a text. */
    FormBody text(String name, String value) {
        return bytes(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds bytes, which the caller wipes. */
    FormBody bytes(String name, byte[] value) {
        if (length > 0) {
            append((byte) '&');
        }
        encoded(name.getBytes(StandardCharsets.UTF_8));
        append((byte) '=');
        encoded(value);
        return this;
    }

    private void encoded(byte[] value) {
        for (byte b : value) {
            boolean plain = (b >= 'a' && b <= 'z')
                    || (b >= 'A' && b <= 'Z')
                    || (b >= '0' && b <= '9')
                    || b == '-'
                    || b == '.'
                    || b == '_'
                    || b == '~';
            if (plain) {
                append(b);
            } else {
                append((byte) '%');
                append(DIGITS[(b >> 4) & 15]);
                append(DIGITS[b & 15]);
            }
        }
    }

    private void append(byte b) {
        if (length == bytes.length) {
            byte[] larger = Arrays.copyOf(bytes, 2 * length);
            Arrays.fill(bytes, (byte) 0);
            bytes = larger;
        }
        bytes[length++] = b;
    }

    /** A copy, which the caller wipes. */
    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    @Override
    public void close() {
        Arrays.fill(bytes, (byte) 0);
    }
}

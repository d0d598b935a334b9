package io.blockseal.volume.header;

import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.Arrays;

/** A file in memory, as far as a backup is read from and written to one. On one thread. */
final class BytesChannel implements SeekableByteChannel {
    private byte[] bytes;
    private int position;

    BytesChannel(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    /** All that it holds. */
    byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public int read(ByteBuffer target) {
        if (position >= bytes.length) {
            return -1;
        }
        int length = Math.min(target.remaining(), bytes.length - position);
        target.put(bytes, position, length);
        position += length;
        return length;
    }

    @Override
    public int write(ByteBuffer source) {
        int length = source.remaining();
        bytes = Arrays.copyOf(bytes, Math.max(bytes.length, position + length));
        source.get(bytes, position, length);
        position += length;
        return length;
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
        position = Math.toIntExact(newPosition);
        return this;
    }

    @Override
    public long size() {
        return bytes.length;
    }

    @Override
    public SeekableByteChannel truncate(long newSize) {
        bytes = Arrays.copyOf(bytes, (int) Math.min(newSize, bytes.length));
        position = Math.min(position, bytes.length);
        return this;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}

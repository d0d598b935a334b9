package io.blockseal.golden;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A file of many zeros made small enough to be kept in a repository: gzip of its size (8 bytes, big-endian), then each
 * 4096-byte block that is not all zeros as its number (8 bytes) and its bytes, then the number -1. The last block is
 * filled up with zeros.
 */
final class SparseArchive {
    private static final int BLOCK = 4096;

    private SparseArchive() {}

    static void pack(Path file, Path archive) throws IOException {
        try (FileChannel in = FileChannel.open(file);
                DataOutputStream out = new DataOutputStream(
                        new BufferedOutputStream(new GZIPOutputStream(Files.newOutputStream(archive))))) {
            out.writeLong(in.size());
            byte[] zeros = new byte[BLOCK];
            for (long number = 0; number * BLOCK < in.size(); number++) {
                ByteBuffer block = ByteBuffer.allocate(BLOCK);
                while (block.hasRemaining() && in.read(block, number * BLOCK + block.position()) > 0) {
                    // Short reads are read on.
                }
                if (!Arrays.equals(block.array(), zeros)) {
                    out.writeLong(number);
                    out.write(block.array());
                }
            }
            out.writeLong(-1);
        }
    }

    /** Makes the file, with holes where the zeros are. */
    static void unpack(InputStream archive, Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(new GZIPInputStream(archive)));
                FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long size = in.readLong();
            out.write(ByteBuffer.allocate(1), size - 1);
            for (long number = in.readLong(); number >= 0; number = in.readLong()) {
                byte[] block = in.readNBytes(BLOCK);
                int bytes = (int) Math.min(BLOCK, size - number * BLOCK);
                out.write(ByteBuffer.wrap(block, 0, bytes), number * BLOCK);
            }
        }
    }
}

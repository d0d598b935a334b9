package io.blockseal.golden;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * What a client must read from a volume: stretches that follow each other from 0 to its end, one a line as
 * {@code OFFSET LENGTH SHA256 zeros|data}.
 */
record GoldenContents(List<Stretch> stretches) {
    /** Bytes that belong together. */
    record Stretch(long offset, long length, String sha256, String kind) {
        @Override
        public String toString() {
            return offset + " " + length + " " + sha256 + " " + kind;
        }
    }

    /** The bytes of a range of the volume, in pieces of at most 1 MiB. */
    interface Source {
        byte[] read(long offset, int length) throws Exception;
    }

    private static final int PIECE = 1 << 20;

    long sizeBytes() {
        Stretch last = stretches.get(stretches.size() - 1);
        return last.offset() + last.length();
    }

    static GoldenContents parse(List<String> lines) {
        List<Stretch> stretches = new ArrayList<>();
        long end = 0;
        for (String line : lines) {
            String[] words = line.split(" ", -1);
            Stretch stretch = new Stretch(Long.parseLong(words[0]), Long.parseLong(words[1]), words[2], words[3]);
            if (stretch.offset() != end) {
                throw new IllegalArgumentException("a gap before: " + line);
            }
            end += stretch.length();
            stretches.add(stretch);
        }
        return new GoldenContents(stretches);
    }

    /** Runs of units that are all zeros and of such that are not. */
    static GoldenContents of(byte[] volume, int unitBytes) {
        List<Stretch> stretches = new ArrayList<>();
        byte[] zeros = new byte[unitBytes];
        int start = 0;
        while (start < volume.length) {
            boolean zero = Arrays.equals(volume, start, start + unitBytes, zeros, 0, unitBytes);
            int end = start + unitBytes;
            while (end < volume.length && Arrays.equals(volume, end, end + unitBytes, zeros, 0, unitBytes) == zero) {
                end += unitBytes;
            }
            MessageDigest digest = sha256();
            digest.update(volume, start, end - start);
            stretches.add(new Stretch(start, end - start, hex(digest), zero ? "zeros" : "data"));
            start = end;
        }
        return new GoldenContents(stretches);
    }

    /** The same stretches with the sums of what is read now. */
    GoldenContents readFrom(Source source) throws Exception {
        List<Stretch> found = new ArrayList<>();
        for (Stretch stretch : stretches) {
            MessageDigest digest = sha256();
            long end = stretch.offset() + stretch.length();
            for (long at = stretch.offset(); at < end; at += PIECE) {
                digest.update(source.read(at, (int) Math.min(PIECE, end - at)));
            }
            found.add(new Stretch(stretch.offset(), stretch.length(), hex(digest), stretch.kind()));
        }
        return new GoldenContents(found);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}

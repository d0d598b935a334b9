package io.blockseal.keysource.tang;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What docs/format.md says of Tang's key slots, done by others' code: points by the program jose (the one that Tang and
 * Clevis are made of), the rest by the JDK.
 */
final class JoseOracle {
    private static final BigInteger P = BigInteger.TWO.pow(521).subtract(BigInteger.ONE);
    private static final BigInteger B = new BigInteger(
            "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
            16);

    private final Path folder;

    JoseOracle(Path folder) {
        this.folder = folder;
    }

    /** The point that two keys lead to, one of them private, as a JWK. */
    String exchange(String ours, String theirs) throws Exception {
        Path left = Files.writeString(folder.resolve("left.jwk"), ours);
        Path right = Files.writeString(folder.resolve("right.jwk"), theirs);
        return Tangd.run(
                "", "jose", "jwk", "exc", "-i", "{\"alg\":\"ECMR\"}", "-l", left.toString(), "-r", right.toString());
    }

    /** A new private key. */
    static String newKey() throws Exception {
        return Tangd.run("", "jose", "jwk", "gen", "-i", "{\"alg\":\"ECMR\"}");
    }

    /** A public key, uncompressed by arithmetic of its own. */
    static String jwk(byte[] compressed) {
        BigInteger x = new BigInteger(1, Arrays.copyOfRange(compressed, 1, 67));
        BigInteger square = x.modPow(BigInteger.valueOf(3), P)
                .subtract(x.multiply(BigInteger.valueOf(3)))
                .add(B)
                .mod(P);
        BigInteger y = square.modPow(P.add(BigInteger.ONE).shiftRight(2), P);
        if (y.testBit(0) != (compressed[0] == 3)) {
            y = P.subtract(y);
        }
        return "{\"alg\":\"ECMR\",\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" + text(x) + "\",\"y\":\"" + text(y)
                + "\"}";
    }

    private static String text(BigInteger coordinate) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(padded(coordinate));
    }

    private static byte[] padded(BigInteger number) {
        byte[] whole = new byte[66];
        byte[] bytes = number.toByteArray();
        int length = Math.min(bytes.length, 66);
        System.arraycopy(bytes, bytes.length - length, whole, 66 - length, length);
        return whole;
    }

    static byte[] compressed(String jwk) {
        byte[] y = coordinate(jwk, "y");
        return ByteBuffer.allocate(67)
                .put((byte) (2 + (y[y.length - 1] & 1)))
                .put(coordinate(jwk, "x"))
                .array();
    }

    static byte[] coordinate(String jwk, String name) {
        String text = jwk.replaceFirst("(?s).*\"" + name + "\": ?\"([^\"]+)\".*", "$1");
        return padded(new BigInteger(1, Base64.getUrlDecoder().decode(text)));
    }

    /** The key that wraps. */
    static SecretKeySpec kek(String agreed, UUID volume, byte[] points) throws Exception {
        byte[] extracted = hmac(new byte[32], coordinate(agreed, "x"));
        byte[] info = ByteBuffer.allocate(21 + 16 + points.length + 1)
                .put("blockseal/v1/kek/tang".getBytes(StandardCharsets.US_ASCII))
                .putLong(volume.getMostSignificantBits())
                .putLong(volume.getLeastSignificantBits())
                .put(points)
                .put((byte) 1)
                .array();
        return new SecretKeySpec(hmac(extracted, info), "AES");
    }

    private static byte[] hmac(byte[] key, byte[] text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text);
    }

    static byte[] wrap(SecretKeySpec kek, byte[] key) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/KWP/NoPadding");
        cipher.init(Cipher.WRAP_MODE, kek);
        return cipher.wrap(new SecretKeySpec(key, "AES"));
    }

    static byte[] unwrap(SecretKeySpec kek, byte[] wrapped) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/KWP/NoPadding");
        cipher.init(Cipher.UNWRAP_MODE, kek);
        return cipher.unwrap(wrapped, "AES", Cipher.SECRET_KEY).getEncoded();
    }
}

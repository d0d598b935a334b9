package io.blockseal.keysource.tang;

import com.nimbusds.jose.Algorithm;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import io.blockseal.crypto.CryptoEngine;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;

/**
 * Points of NIST's curve P-521, whose arithmetic is Bouncy Castle's. No point comes in here that is not on the curve, or is
 * its point at infinity: by such a one whoever sends it could learn of the scalar. Scalars are {@code BigInteger}s, which
 * cannot be wiped; each is used for one question only. From any thread.
 */
final class P521 {
    /** A point in compressed form (SEC 1, 2.3.3). */
    static final int POINT_BYTES = 67;
    /** A coordinate. */
    static final int COORDINATE_BYTES = 66;
    /** How Tang calls its exchange. */
    static final Algorithm ECMR = new Algorithm("ECMR");

    private static final X9ECParameters CURVE = CustomNamedCurves.getByName("secp521r1");
    /** So much longer than the order that what is left over prefers no scalar noticeably. */
    private static final int RANDOM_BYTES = COORDINATE_BYTES + 16;

    private P521() {}

    /** From 1 to the order less 1, each with the same probability. */
    static BigInteger randomScalar(CryptoEngine engine) {
        byte[] random = new byte[RANDOM_BYTES];
        engine.fillRandom(random);
        BigInteger scalar = new BigInteger(1, random)
                .mod(CURVE.getN().subtract(BigInteger.ONE))
                .add(BigInteger.ONE);
        Arrays.fill(random, (byte) 0);
        return scalar;
    }

    /** The public point of a scalar. */
    static ECPoint publicOf(BigInteger scalar) {
        return new FixedPointCombMultiplier().multiply(CURVE.getG(), scalar).normalize();
    }

    /** The point {@code scalar} times. */
    static ECPoint times(ECPoint point, BigInteger scalar) {
        return point.multiply(scalar).normalize();
    }

    /**
     * What others sent.
     *
     * @throws IOException if it is not on the curve
     */
    static ECPoint point(ECKey key) throws IOException {
        if (!Curve.P_521.equals(key.getCurve())) {
            throw new IOException("a key of the curve " + key.getCurve() + ", not P-521");
        }
        try {
            return finite(CURVE.getCurve()
                    .validatePoint(key.getX().decodeToBigInteger(), key.getY().decodeToBigInteger()));
        } catch (IllegalArgumentException outside) {
            throw new IOException("a key that is not on its curve", outside);
        }
    }

    /**
     * What {@link #encode} wrote.
     *
     * @throws IOException if it is not on the curve
     */
    static ECPoint decode(byte[] compressed) throws IOException {
        try {
            return finite(CURVE.getCurve().decodePoint(compressed));
        } catch (IllegalArgumentException outside) {
            throw new IOException("a point that is not on the curve P-521", outside);
        }
    }

    /** Neither of the operands' making can lead here by chance. */
    static ECPoint finite(ECPoint point) throws IOException {
        if (point.isInfinity()) {
            throw new IOException("the point at infinity");
        }
        return point.normalize();
    }

    static byte[] encode(ECPoint point) {
        return point.getEncoded(true);
    }

    /** Its first coordinate, which the caller wipes. */
    static byte[] x(ECPoint point) {
        return point.getAffineXCoord().getEncoded();
    }

    /** As a public key of Tang's exchange. */
    static ECKey jwk(ECPoint point) {
        return new ECKey.Builder(
                        Curve.P_521,
                        ECKey.encodeCoordinate(
                                8 * COORDINATE_BYTES, point.getAffineXCoord().toBigInteger()),
                        ECKey.encodeCoordinate(
                                8 * COORDINATE_BYTES, point.getAffineYCoord().toBigInteger()))
                .algorithm(ECMR)
                .build();
    }

    /** The key's thumbprint (RFC 7638) by SHA-256, as the names of Tang's files have it. */
    static String thumbprint(ECKey key) {
        try {
            return key.computeThumbprint().toString();
        } catch (JOSEException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }
}

package io.blockseal.keysource.passphrase;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.crypto.Vectors;
import io.blockseal.keysource.KeySourceException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.junit.jupiter.api.Test;

/** Another Argon2id would mean that no other reader can open the volume, nor we after an update. */
class Argon2idTest {
    @Test
    void bouncyCastleAgreesWithRfc9106() {
        // RFC 9106, 5.3; with secret and additional data, which key slots do not use.
        Argon2BytesGenerator generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(32)
                .withIterations(3)
                .withParallelism(4)
                .withSalt(filled(16, 2))
                .withSecret(filled(8, 3))
                .withAdditional(filled(12, 4))
                .build());
        byte[] tag = new byte[32];
        generator.generateBytes(filled(32, 1), tag);
        assertArrayEquals(
                HexFormat.of().parseHex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"), tag);
    }

    @Test
    void agreesWithLibargon2() throws KeySourceException {
        List<Vectors.Vector> vectors = Vectors.blocks("libargon2-argon2id.txt");
        assertEquals(6, vectors.size());
        for (Vectors.Vector vector : vectors) {
            Argon2Cost cost = new Argon2Cost(vector.number("m"), vector.number("t"), vector.number("p"));
            Argon2Slot slot = new Argon2Slot(cost, vector.bytes("salt"));
            assertArrayEquals(
                    vector.bytes("output"),
                    Argon2id.derive(vector.bytes("passphrase"), slot, Long.MAX_VALUE),
                    vector::toString);
        }
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}

package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import javax.crypto.Cipher;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A volume key wrapped with the wrong mask hash opens in no vault: the volume would be lost with this machine. */
class RsaOaepTest {
    @ParameterizedTest
    @ValueSource(ints = {2048, 3072, 4096})
    void opensWhatVaultsWrap(int bits) throws GeneralSecurityException {
        String file = "rsa_oaep_" + bits + "_sha256_mgf1sha256";
        PrivateKey key = key(file);
        int opened = 0;
        for (Vectors.Vector vector : Vectors.wycheproof(file)) {
            // A label is not used by key slots, so such vectors must fail like damaged ones.
            if (vector.isValid() && vector.text("label").isEmpty()) {
                assertArrayEquals(vector.bytes("msg"), decrypt(key, vector), vector::toString);
                opened++;
            } else {
                assertThrows(GeneralSecurityException.class, () -> decrypt(key, vector), vector::toString);
            }
        }
        assertTrue(opened >= 8, "opened " + opened);
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 3072, 4096})
    void refusesAMaskOfSha1WhichTheJdkWouldUse(int bits) throws GeneralSecurityException {
        String file = "rsa_oaep_" + bits + "_sha256_mgf1sha1";
        PrivateKey key = key(file);
        int refused = 0;
        for (Vectors.Vector vector : Vectors.wycheproof(file)) {
            assertThrows(GeneralSecurityException.class, () -> decrypt(key, vector), vector::toString);
            refused++;
        }
        assertTrue(refused > 25);
        assertEquals("RSA/ECB/OAEPWithSHA-256AndMGF1Padding", RsaOaep.TRANSFORMATION);
    }

    private static PrivateKey key(String file) throws GeneralSecurityException {
        return KeyFactory.getInstance("RSA")
                .generatePrivate(new PKCS8EncodedKeySpec(Vectors.wycheproofHead(file, "privateKeyPkcs8")));
    }

    private static byte[] decrypt(PrivateKey key, Vectors.Vector vector) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(RsaOaep.TRANSFORMATION);
        cipher.init(Cipher.DECRYPT_MODE, key, RsaOaep.parameters());
        return cipher.doFinal(vector.bytes("ct"));
    }
}

package io.blockseal.keysource.azure;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

/** One version of a key in the stub: it really wraps, by the JDK. */
final class StubKey {
    private static final OAEPParameterSpec OAEP =
            new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT);
    /** Making them takes long, so that stubs share them: each stub takes them in the same order. */
    private static final List<KeyPair> PAIRS = new ArrayList<>();

    final String id = UUID.randomUUID().toString().replace("-", "");
    final String type;
    volatile boolean enabled = true;
    volatile List<String> operations = List.of("wrapKey", "unwrapKey");
    private final KeyPair pair;
    private final SecretKey secret;

    private StubKey(String type, KeyPair pair, SecretKey secret) {
        this.type = type;
        this.pair = pair;
        this.secret = secret;
    }

    /** An RSA key; no two with another {@code number} are the same. */
    static StubKey rsa(int number) throws GeneralSecurityException {
        synchronized (PAIRS) {
            while (PAIRS.size() <= number) {
                KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
                generator.initialize(2048);
                PAIRS.add(generator.generateKeyPair());
            }
            return new StubKey("RSA", PAIRS.get(number), null);
        }
    }

    /** A symmetric key, as only a Managed HSM has them. */
    static StubKey symmetric() throws GeneralSecurityException {
        KeyGenerator generator = KeyGenerator.getInstance("AES");
        generator.init(256);
        return new StubKey("oct-HSM", null, generator.generateKey());
    }

    /**
     * Wraps or unwraps.
     *
     * @throws IllegalArgumentException if the key does not do that algorithm
     * @throws GeneralSecurityException if it does not unwrap
     */
    byte[] use(boolean wrap, String algorithm, byte[] value) throws GeneralSecurityException {
        boolean fits = algorithm.equals(pair == null ? "A256KW" : "RSA-OAEP-256");
        if (!fits) {
            throw new IllegalArgumentException(algorithm);
        }
        return pair == null
                ? cipher("AESWrap", wrap, secret, null, value)
                : cipher("RSA/ECB/OAEPPadding", wrap, wrap ? pair.getPublic() : pair.getPrivate(), OAEP, value);
    }

    private static byte[] cipher(String name, boolean wrap, Key key, AlgorithmParameterSpec spec, byte[] value)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(name);
        cipher.init(wrap ? Cipher.WRAP_MODE : Cipher.UNWRAP_MODE, key, spec);
        return wrap
                ? cipher.wrap(new SecretKeySpec(value, "AES"))
                : cipher.unwrap(value, "AES", Cipher.SECRET_KEY).getEncoded();
    }

    /** As the vault describes it. */
    ObjectNode describe(String kid) {
        ObjectNode whole = JsonNodeFactory.instance.objectNode();
        ObjectNode key = whole.putObject("key").put("kid", kid).put("kty", type);
        ArrayNode list = key.putArray("key_ops");
        operations.forEach(list::add);
        if (pair != null) {
            RSAPublicKey open = (RSAPublicKey) pair.getPublic();
            key.put("n", unsigned(open.getModulus())).put("e", unsigned(open.getPublicExponent()));
        }
        whole.putObject("attributes")
                .put("enabled", enabled)
                .put("created", 1_700_000_000)
                .put("updated", 1_700_000_000)
                .put("recoveryLevel", "Recoverable");
        return whole;
    }

    private static String unsigned(BigInteger number) {
        byte[] bytes = number.toByteArray();
        int sign = bytes[0] == 0 ? 1 : 0;
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOfRange(bytes, sign, bytes.length));
    }
}

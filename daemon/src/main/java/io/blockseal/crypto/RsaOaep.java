package io.blockseal.crypto;

import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;

/**
 * RSA-OAEP as key slots use it: SHA-256 for the label and SHA-256 for the mask, what vaults call RSA-OAEP-256.
 *
 * <p>The parameters must be given with every {@code Cipher.init}: by its name alone, the JDK's
 * "OAEPWithSHA-256AndMGF1Padding" means a mask of SHA-1, and what it wraps no vault can unwrap.
 */
public final class RsaOaep {
    /** The name for {@code Cipher.getInstance}. */
    public static final String TRANSFORMATION = "RSA/ECB/OAEPWithSHA-256AndMGF1Padding";

    private RsaOaep() {}

    /** The parameters for {@code Cipher.init}; the label is empty. */
    public static AlgorithmParameterSpec parameters() {
        return new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT);
    }
}

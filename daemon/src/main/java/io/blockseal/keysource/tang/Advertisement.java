package io.blockseal.keysource.tang;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSObjectJSON;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyOperation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The keys that a Tang server shows to everybody: a set that each of its signing keys has signed. Whether one of those is
 * to be trusted is for others to say. Immutable.
 */
final class Advertisement {
    /** Far more than anybody has: each signature is tried with each key. */
    private static final int KEYS_MAX = 32;

    private final JWSObjectJSON signed;
    private final List<ECKey> signers;
    private final List<ECKey> exchangers;

    private Advertisement(JWSObjectJSON signed, List<ECKey> signers, List<ECKey> exchangers) {
        this.signed = signed;
        this.signers = signers;
        this.exchangers = exchangers;
    }

    /**
     * Reads an answer and verifies that all keys of the set which sign have signed it.
     *
     * @throws IOException if it is none, or not signed as it should be
     */
    static Advertisement of(byte[] body) throws IOException {
        try {
            JWSObjectJSON signed = JWSObjectJSON.parse(new String(body, StandardCharsets.UTF_8));
            List<JWK> keys = JWKSet.parse(signed.getPayload().toString()).getKeys();
            if (keys.size() > KEYS_MAX || signed.getSignatures().size() > KEYS_MAX) {
                throw new IOException("it has more than " + KEYS_MAX + " keys or signatures");
            }
            List<ECKey> signers = new ArrayList<>();
            List<ECKey> exchangers = new ArrayList<>();
            for (JWK key : keys) {
                if (signs(key)) {
                    signers.add(elliptic(key));
                } else if (P521.ECMR.equals(key.getAlgorithm())) {
                    exchangers.add(elliptic(key));
                }
            }
            Advertisement advertisement = new Advertisement(signed, signers, exchangers);
            advertisement.requireAllSigned();
            return advertisement;
        } catch (ParseException | RuntimeException malformed) {
            // The library throws many things (NullPointerException) at what is no JWS; its words would quote what
            // others sent.
            throw new IOException("not a signed set of keys", malformed);
        }
    }

    private static boolean signs(JWK key) {
        return key.getKeyOperations() == null
                ? !P521.ECMR.equals(key.getAlgorithm())
                : key.getKeyOperations().contains(KeyOperation.VERIFY);
    }

    private static ECKey elliptic(JWK key) throws IOException {
        if (key instanceof ECKey elliptic) {
            return elliptic;
        }
        throw new IOException("a key of the type " + key.getKeyType() + ", where only EC is known");
    }

    private void requireAllSigned() throws IOException {
        if (signers.isEmpty()) {
            throw new IOException("no key in it signs");
        }
        for (ECKey signer : signers) {
            if (!isSignedBy(signer)) {
                throw new IOException("its key " + P521.thumbprint(signer) + " has not signed it");
            }
        }
    }

    /** Whether that key has signed it, be it in the set or not. */
    boolean isSignedBy(ECKey key) throws IOException {
        try {
            ECDSAVerifier verifier = new ECDSAVerifier(key);
            for (JWSObjectJSON.Signature signature : signed.getSignatures()) {
                if (verifier.supportedJWSAlgorithms()
                                .contains(signature.getHeader().getAlgorithm())
                        && signature.verify(verifier)) {
                    return true;
                }
            }
            return false;
        } catch (JOSEException unknown) {
            throw new IOException("a key or signature of a kind that is not known", unknown);
        }
    }

    /** The signing key of that thumbprint, if it is in the set. */
    @Nullable
    ECKey signer(String thumbprint) {
        return signers.stream()
                .filter(each -> P521.thumbprint(each).equals(thumbprint))
                .findFirst()
                .orElse(null);
    }

    /** One of them, the same each time; all of them have signed. */
    ECKey anySigner() throws IOException {
        return least(signers, "no key in it signs");
    }

    /**
     * The exchange key. Of several, which Tang does not order, the one whose thumbprint is the first in the alphabet: so
     * all take the same one until it is hidden.
     */
    ECKey exchanger() throws IOException {
        return least(exchangers, "no key in it is for the exchange (ECMR)");
    }

    private static ECKey least(List<ECKey> keys, String none) throws IOException {
        return keys.stream().min(Comparator.comparing(P521::thumbprint)).orElseThrow(() -> new IOException(none));
    }
}

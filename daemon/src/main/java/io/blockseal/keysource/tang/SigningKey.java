package io.blockseal.keysource.tang;

import com.nimbusds.jose.jwk.ECKey;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import org.bouncycastle.math.ec.ECPoint;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whom to believe that an exchange key is the server's: the signing key of a thumbprint that the operator has given, or, if
 * they said so, the first that was seen. A server that has newer signing keys has the older one sign, too, but does not show
 * it any more; so it is remembered in key slots. From any thread.
 */
final class SigningKey {
    private static final Logger LOG = LoggerFactory.getLogger(SigningKey.class);

    private final String reference;
    private final @Nullable String pinned;
    private volatile @Nullable ECKey known;

    /** The one with that thumbprint, or, if it is null, the first. */
    SigningKey(String reference, @Nullable String pinned) {
        this.reference = reference;
        this.pinned = pinned;
    }

    /** Which key has to sign, as far as that is known. */
    @Nullable
    String thumbprint() {
        ECKey key = known;
        return pinned == null && key != null ? P521.thumbprint(key) : pinned;
    }

    /**
     * A slot says which it was.
     *
     * @param proven whether the slot has been opened; before, only its thumbprint vouches for it
     */
    void remember(ECPoint signer, boolean proven) {
        ECKey key = P521.jwk(signer);
        // What was only seen first gives way to what has been proven: another server may have been the first this time.
        if (pinned == null ? proven : P521.thumbprint(key).equals(pinned)) {
            known = key;
        }
    }

    /**
     * The key that vouches for an advertisement.
     *
     * @throws KeySourceException if none does that is trusted
     */
    ECKey vouchingFor(Advertisement advertisement) throws KeySourceException, IOException {
        String wanted = thumbprint();
        if (wanted == null) {
            return trustFirst(advertisement.anySigner());
        }
        ECKey shown = advertisement.signer(wanted);
        ECKey key = shown == null ? known : shown;
        if (key == null) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + " does not show the signing key " + wanted
                            + " any more, and no key slot at hand remembers it. If its keys were changed on purpose, give"
                            + " the thumbprint of a new one, which tang-show-keys prints there");
        }
        if (!advertisement.isSignedBy(key)) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + " shows keys that the signing key " + wanted
                            + " has not signed: somebody stands between, or it is another server");
        }
        if (pinned == null && shown == null) {
            // It is on its way out: what it vouches for now has to do when it is removed from the server.
            key = advertisement.anySigner();
        }
        known = key;
        return key;
    }

    /** Whether a slot that remembers {@code signer} does not know the one that is pinned. */
    boolean isPinnedToAnother(ECPoint signer) {
        return pinned != null && !P521.thumbprint(P521.jwk(signer)).equals(pinned);
    }

    private ECKey trustFirst(ECKey key) {
        known = key;
        LOG.warn(
                "{}: trusting the signing key {} on first use. Compare it with what tang-show-keys prints on the server,"
                        + " and write thumbprint={}",
                reference,
                P521.thumbprint(key),
                P521.thumbprint(key));
        return key;
    }
}

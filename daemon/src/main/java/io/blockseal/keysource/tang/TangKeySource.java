package io.blockseal.keysource.tang;

import com.nimbusds.jose.jwk.ECKey;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Asked;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeyUse.Operation;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.io.IOException;
import java.math.BigInteger;
import org.bouncycastle.math.ec.ECPoint;
import org.jspecify.annotations.Nullable;

/**
 * A key that exists only while a Tang server helps (McCallum-Relyea). To wrap, we agree on a point with the server's public
 * key alone, K = C*s, and forget our scalar C. To unwrap, we have the server multiply our point c = C*G, blinded by a point
 * of the moment, and take the blinding off: K = S*(c + E*G) - E*s. The server learns neither c nor K. The thumbprint of its
 * exchange key is the KEK's version. From any thread but one that serves I/O.
 */
final class TangKeySource implements KeySource {
    private final String reference;
    private final TangServer server;
    private final SigningKey signing;
    private final CryptoEngine engine;
    private final TangKek keks;
    private final Asked asked;

    TangKeySource(String reference, TangServer server, SigningKey signing, KeySourceContext context) {
        this.reference = reference;
        this.server = server;
        this.signing = signing;
        this.engine = context.engine();
        this.keks = new TangKek(engine);
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "tang";
    }

    @Override
    public String reference() {
        return reference;
    }

    /** Looks at which signing key the slot remembers, too: perhaps it is the one that is pinned. */
    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        boolean ours = wrapped.algorithm() == WrapAlgorithm.ECMR_HKDF_KWP
                && wrapped.reference().equals(reference);
        if (ours) {
            remember(wrapped, false);
        }
        return ours;
    }

    private void remember(WrappedKey wrapped, boolean proven) {
        try {
            signing.remember(TangBlob.decode(wrapped.blob()).signer(), proven);
        } catch (IOException altered) {
            // Whoever opens the slot says so.
        }
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(Operation.VERSION, trace -> {
            String version = P521.thumbprint(offer().exchange());
            trace.version(version);
            return version;
        });
    }

    /** Also where it remembers another signing key than the one that is pinned, and that vouches for the server now. */
    @Override
    public boolean isOutdated(WrappedKey wrapped) throws KeySourceException {
        boolean ours = mayOpen(wrapped);
        if (KeySource.super.isOutdated(wrapped)) {
            return true;
        }
        try {
            return ours
                    && signing.isPinnedToAnother(TangBlob.decode(wrapped.blob()).signer());
        } catch (IOException altered) {
            return false; // Whoever opens the slot says so.
        }
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            Offer offer = offer();
            String version = P521.thumbprint(offer.exchange());
            trace.version(version);
            return wrapped(offer, version, volumeKey, binding);
        });
    }

    /** The volume that it belongs to is open: what it says of the signing key is true. */
    @Override
    public WrappedKey rewrap(WrappedKey old, Secret volumeKey, Binding binding) throws KeySourceException {
        remember(old, true);
        return wrap(volumeKey, binding);
    }

    /**
     * What the server offers, once somebody trusted has vouched for it.
     *
     * @param exchange its key
     * @param server the point of it
     * @param signer the point of who has vouched
     */
    private record Offer(ECKey exchange, ECPoint server, ECPoint signer) {}

    private Offer offer() throws KeySourceException {
        Advertisement advertisement = server.advertisement(signing.thumbprint());
        try {
            ECKey signer = signing.vouchingFor(advertisement);
            ECKey exchange = advertisement.exchanger();
            return new Offer(exchange, P521.point(exchange), P521.point(signer));
        } catch (IOException unsuitable) {
            throw server.malformed(unsuitable);
        }
    }

    private WrappedKey wrapped(Offer offer, String version, Secret volumeKey, Binding binding) {
        BigInteger scalar = P521.randomScalar(engine);
        ECPoint agreed = P521.times(offer.server(), scalar);
        TangBlob points = new TangBlob(P521.publicOf(scalar), offer.server(), offer.signer(), new byte[0]);
        byte[] key = keks.wrap(agreed, points.points(), volumeKey, binding);
        byte[] blob = new TangBlob(points.client(), points.server(), points.signer(), key).encode();
        return new WrappedKey(WrapAlgorithm.ECMR_HKDF_KWP, reference, version, new byte[0], blob);
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            TangBlob blob = blob(wrapped);
            ECPoint agreed = recovered(blob, wrapped.version());
            Secret volumeKey = keks.unwrap(agreed, blob.points(), blob.wrapped(), binding);
            if (volumeKey == null) {
                throw wrong("the server's answer leads to another key");
            }
            signing.remember(blob.signer(), true);
            return volumeKey;
        });
    }

    private TangBlob blob(WrappedKey wrapped) throws WrongKeyException {
        try {
            TangBlob blob = TangBlob.decode(wrapped.blob());
            if (!P521.thumbprint(P521.jwk(blob.server())).equals(wrapped.version())) {
                throw wrong("its key is not the one of its version");
            }
            return blob;
        } catch (IOException altered) {
            throw wrong(altered.getMessage());
        }
    }

    private WrongKeyException wrong(@Nullable String why) {
        return new WrongKeyException(reference + " does not open this slot: " + why
                + ". It was wrapped with another server, for another volume, or altered");
    }

    private ECPoint recovered(TangBlob blob, String version) throws KeySourceException {
        BigInteger scalar = P521.randomScalar(engine);
        try {
            ECPoint blinded = P521.finite(blob.client().add(P521.publicOf(scalar)));
            ECPoint answered = server.exchanged(version, blinded);
            return P521.finite(answered.subtract(P521.times(blob.server(), scalar)));
        } catch (IOException infinite) {
            throw server.malformed(infinite);
        }
    }

    /** Holds nothing between two questions. */
    @Override
    public void close() {}
}

package io.blockseal.server.tls;

import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ClientIdentity.Proof;
import io.blockseal.metrics.TlsFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Vector;
import org.bouncycastle.tls.AbstractTlsServer;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.NamedGroup;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.TlsCredentials;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.bouncycastle.tls.TlsUtils;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.TlsSecret;
import org.jspecify.annotations.Nullable;

/**
 * What one handshake with a pre-shared key decides: versions, suites, groups, and which key. A name that we do not know is
 * given a key that nobody has, so that a stranger cannot find out which names there are. On one thread at a time.
 */
final class PskServer extends AbstractTlsServer implements TlsPSKIdentityManager {
    private static final int KEY_OF_NOBODY_BYTES = 32;
    private static final int[] GROUPS = {
        NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1, NamedGroup.ffdhe2048, NamedGroup.ffdhe3072
    };

    private final PresharedKeys keys;
    private @Nullable String name;
    private boolean known;
    private @Nullable TlsSecret lent;
    private boolean complete;

    PskServer(TlsCrypto crypto, PresharedKeys keys) {
        super(crypto);
        this.keys = keys;
    }

    /** Whether the client has proven that it has the key. */
    boolean isComplete() {
        return complete;
    }

    /** Who it is, once that is so. */
    TlsOutcome.Secured secured() {
        if (!complete || name == null) {
            throw new IllegalStateException("the handshake is not over");
        }
        return new TlsOutcome.Secured(
                TlsUtils.isTLSv13(context) ? "TLSv1.3" : "TLSv1.2",
                PskSuites.nameOf(context.getSecurityParametersConnection().getCipherSuite()),
                new ClientIdentity(Proof.PSK, name, List.of()));
    }

    /** Why it did not come to that. */
    TlsOutcome.Failed failed(Throwable thrown) {
        String words = thrown.getMessage() == null ? thrown.getClass().getSimpleName() : thrown.getMessage();
        TlsFailure reason = TlsFailure.OTHER;
        if (name != null && !known) {
            reason = TlsFailure.WRONG_PSK;
            // Not which: a stranger would write into our log, and what looks like a name may be another server's
            // ticket.
            words = "there is no pre-shared key of the name that it said";
        } else if (thrown instanceof TlsFatalAlertReceived) {
            reason = TlsFailure.REFUSED_BY_CLIENT;
        } else if (thrown instanceof TlsFatalAlert alert) {
            switch (alert.getAlertDescription()) {
                case AlertDescription.decrypt_error, AlertDescription.bad_record_mac -> {
                    if (name != null) {
                        reason = TlsFailure.WRONG_PSK;
                        words = "the key of the name '" + name + "' is another one there";
                    }
                }
                case AlertDescription.handshake_failure,
                        AlertDescription.protocol_version,
                        AlertDescription.insufficient_security,
                        AlertDescription.missing_extension -> reason = TlsFailure.NOTHING_IN_COMMON;
                default -> {}
            }
        }
        return new TlsOutcome.Failed(reason, ClientIdentity.printable(words));
    }

    /** Wipes what is left of the key. */
    void forget() {
        TlsSecret secret = lent;
        lent = null;
        if (secret != null) {
            secret.destroy();
        }
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return ProtocolVersion.TLSv13.downTo(ProtocolVersion.TLSv12);
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return PskSuites.all();
    }

    @Override
    protected boolean preferLocalCipherSuites() {
        return true;
    }

    @Override
    public int[] getSupportedGroups() {
        return GROUPS.clone();
    }

    /** Of larger finite fields one exchange takes us a good part of a second, which a stranger could ask for. */
    @Override
    protected int selectDH(int bitsMin) {
        int group = super.selectDH(bitsMin);
        return group == NamedGroup.ffdhe2048 || group == NamedGroup.ffdhe3072 ? group : -1;
    }

    /** Without it one connection could be made to look like another (RFC 7627). */
    @Override
    public boolean requiresExtendedMasterSecret() {
        return true;
    }

    @Override
    public int getSelectedCipherSuite() throws IOException {
        if (TlsUtils.isTLSv13(context) && name == null) {
            throw new TlsFatalAlert(AlertDescription.handshake_failure, "the client offers no pre-shared key");
        }
        return super.getSelectedCipherSuite();
    }

    @Override
    public @Nullable TlsCredentials getCredentials() {
        return null;
    }

    /** TLS 1.3; asked again when the client has to say its hello a second time. */
    @Override
    @SuppressWarnings("rawtypes") // The library's own signature.
    public TlsPSKExternal getExternalPSK(Vector identities) {
        byte[] chosen = ((PskIdentity) identities.get(0)).getIdentity();
        for (Object each : identities) {
            byte[] identity = ((PskIdentity) each).getIdentity();
            if (keys.has(nameIn(identity))) {
                chosen = identity;
                break;
            }
        }
        byte[] copy = getPSK(chosen);
        try {
            forget();
            TlsSecret secret = getCrypto().createSecret(copy);
            lent = secret;
            return new BasicTlsPSKExternal(chosen, secret);
        } finally {
            Arrays.fill(copy, (byte) 0);
        }
    }

    @Override
    public TlsPSKIdentityManager getPSKIdentityManager() {
        return this;
    }

    @Override
    public byte @Nullable [] getHint() {
        return null;
    }

    /** TLS 1.2; the library wipes it. */
    @Override
    public byte[] getPSK(byte[] identity) {
        String asked = nameIn(identity);
        name = asked;
        byte[] copy = keys.copyOf(asked);
        known = copy != null;
        if (copy == null) {
            copy = new byte[KEY_OF_NOBODY_BYTES];
            getCrypto().getSecureRandom().nextBytes(copy);
        }
        return copy;
    }

    private static String nameIn(byte[] identity) {
        return new String(identity, StandardCharsets.UTF_8);
    }

    @Override
    public void notifyHandshakeComplete() throws IOException {
        super.notifyHandshakeComplete();
        complete = true;
        forget();
    }
}

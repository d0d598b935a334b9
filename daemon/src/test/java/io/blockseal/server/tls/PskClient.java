package io.blockseal.server.tls;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import java.util.Vector;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.PSKTlsClient;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

/** A client with a pre-shared key and one suite. */
public final class PskClient extends PSKTlsClient {
    private final byte[] name;
    private final byte[] key;
    private final int suite;

    private PskClient(BcTlsCrypto crypto, String name, byte[] key, int suite) {
        super(crypto, name.getBytes(StandardCharsets.UTF_8), key);
        this.name = name.getBytes(StandardCharsets.UTF_8);
        this.key = key;
        this.suite = suite;
    }

    /** In that version, {@code TLSv1.2} or {@code TLSv1.3}. */
    public static PskClient of(String version, String name, byte[] key) {
        return of(
                version.equals("TLSv1.3")
                        ? CipherSuite.TLS_AES_128_GCM_SHA256
                        : CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256,
                name,
                key);
    }

    /** With that suite. */
    public static PskClient of(int suite, String name, byte[] key) {
        return new PskClient(new BcTlsCrypto(new SecureRandom()), name, key, suite);
    }

    private boolean isNew() {
        return suite >> 8 == 0x13;
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return (isNew() ? ProtocolVersion.TLSv13 : ProtocolVersion.TLSv12).only();
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return new int[] {suite};
    }

    @Override
    @SuppressWarnings("rawtypes") // The library's own signature.
    public Vector getExternalPSKs() {
        TlsPSKExternal only = new BasicTlsPSKExternal(name, getCrypto().createSecret(key.clone()));
        return isNew() ? new Vector<>(List.of(only)) : null;
    }
}

package io.blockseal.server.tls;

import org.jspecify.annotations.Nullable;

/**
 * With what TLS is done; with both, a client that offers one of the pre-shared keys is met by that, and every other by the
 * certificate.
 *
 * @param certificate ours; null for none
 * @param psk pre-shared keys; null for none
 */
public record Credentials(
        @Nullable CertificateTls certificate, @Nullable PskMeans psk) {
    /** Refuses nothing at all. */
    public Credentials {
        if (certificate == null && psk == null) {
            throw new IllegalArgumentException("TLS needs a certificate or pre-shared keys");
        }
    }

    /** When our certificate ends, in seconds of Unix time; 0 without one. */
    long endsAtSeconds() {
        return certificate == null ? 0 : certificate.endsAtSeconds();
    }
}

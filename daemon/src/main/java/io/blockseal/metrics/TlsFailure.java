package io.blockseal.metrics;

import java.util.Locale;

/** Why a client that asked for TLS did not get it. The words are labels of a metric and never change. */
public enum TlsFailure {
    /** It had bytes under way that were not protected yet, behind its request for TLS. */
    PLAINTEXT_BEHIND_STARTTLS,
    /** What it sent is not TLS. */
    NOT_TLS,
    /** It offers no version or no cipher suite that we accept. */
    NOTHING_IN_COMMON,
    /** It has to show a certificate, and has shown none. */
    NO_CERTIFICATE,
    /** Its certificate is not valid any more, or not yet. */
    CERTIFICATE_EXPIRED,
    /** Its certificate was not signed by an authority of ours, or is not one for clients. */
    CERTIFICATE_UNTRUSTED,
    /** It does not have the pre-shared key, or we have none of that name. */
    WRONG_PSK,
    /** It did not like ours. */
    REFUSED_BY_CLIENT,
    /** It took too long. */
    TIMEOUT,
    /** It went away. */
    GONE,
    /** Something else; the log says what. */
    OTHER;

    /** The word in the metric, as in {@code not-tls}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

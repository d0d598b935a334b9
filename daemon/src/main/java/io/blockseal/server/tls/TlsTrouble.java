package io.blockseal.server.tls;

import io.blockseal.export.ClientIdentity;
import io.blockseal.metrics.TlsFailure;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.EOFException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds the reason in what a TLS library throws, whose types tell little. */
final class TlsTrouble {
    private static final int CAUSES_MAX = 16;
    private static final String BORINGSSL = ":OPENSSL_internal:";

    private TlsTrouble() {}

    /** What it was, and in which words. */
    static TlsOutcome.Failed of(@Nullable Throwable thrown) {
        TlsFailure reason = TlsFailure.OTHER;
        String detail = "";
        Throwable cause = thrown;
        for (int i = 0; i < CAUSES_MAX && cause != null; i++) {
            TlsFailure found = byType(cause);
            if (found == TlsFailure.OTHER) {
                found = byWords(plain(String.valueOf(cause.getMessage())).toLowerCase(Locale.ROOT));
            }
            // The innermost that says something: "expired" lies below "path validation failed".
            if (found != TlsFailure.OTHER || detail.isEmpty()) {
                reason = found;
                detail = words(cause, found);
            }
            cause = cause.getCause();
        }
        return new TlsOutcome.Failed(reason, ClientIdentity.printable(detail));
    }

    private static String words(Throwable cause, TlsFailure reason) {
        String message = cause.getMessage();
        if (reason == TlsFailure.NOT_TLS) {
            // The library's words are all that came, in hexadecimal: as long as a stranger likes, and maybe a guest's.
            return "what came is no TLS";
        }
        if (message == null) {
            return reason == TlsFailure.GONE
                    ? "the client hung up in the midst of it"
                    : cause.getClass().getSimpleName();
        }
        return plain(message);
    }

    /** As in {@code error:100000c0:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER}, of BoringSSL. */
    private static String plain(String message) {
        int begin = message.indexOf(BORINGSSL);
        return begin < 0
                ? message
                : message.substring(begin + BORINGSSL.length())
                        .replace('_', ' ')
                        .toLowerCase(Locale.ROOT);
    }

    private static TlsFailure byType(Throwable cause) {
        if (cause instanceof CertificateExpiredException || cause instanceof CertificateNotYetValidException) {
            return TlsFailure.CERTIFICATE_EXPIRED;
        }
        if (cause instanceof CertificateException || cause instanceof CertPathValidatorException) {
            return TlsFailure.CERTIFICATE_UNTRUSTED;
        }
        if (cause instanceof NotSslRecordException) {
            return TlsFailure.NOT_TLS;
        }
        return cause instanceof ClosedChannelException || cause instanceof EOFException
                ? TlsFailure.GONE
                : TlsFailure.OTHER;
    }

    private static TlsFailure byWords(String words) {
        if (words.contains("empty client certificate chain") || words.contains("peer did not return a certificate")) {
            return TlsFailure.NO_CERTIFICATE;
        }
        if (words.contains("fatal alert") || words.contains("v3 alert") || words.contains("v1 alert")) {
            return TlsFailure.REFUSED_BY_CLIENT;
        }
        if (words.contains("in common")
                || words.contains("not enabled or supported")
                || words.contains("no shared cipher")
                || words.contains("unsupported protocol")) {
            return TlsFailure.NOTHING_IN_COMMON;
        }
        if (words.contains("closed") || words.contains("connection reset")) {
            return TlsFailure.GONE;
        }
        return TlsFailure.OTHER;
    }
}

package io.blockseal.server.tls;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bouncycastle.tls.CipherSuite;

/**
 * The cipher suites with pre-shared keys, the best first: with authenticated encryption and with forward secrecy, so that
 * a key that is stolen later opens nothing that was recorded before. In TLS 1.3 a pre-shared key belongs to one hash, which
 * is SHA-256 for a key that nobody said more about (RFC 8446, 4.2.11). GnuTLS has no AES with ECDHE in 1.2; of what it
 * has ChaCha20 comes before finite fields, which cost us the most.
 */
final class PskSuites {
    private static final Map<Integer, String> TLS_13 = new LinkedHashMap<>();
    private static final Map<Integer, String> TLS_12 = new LinkedHashMap<>();

    static {
        TLS_13.put(CipherSuite.TLS_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256");
        TLS_13.put(CipherSuite.TLS_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256");
        TLS_12.put(CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256");
        TLS_12.put(CipherSuite.TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384");
        TLS_12.put(
                CipherSuite.TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256");
        TLS_12.put(CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256");
        TLS_12.put(CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384, "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384");
        TLS_12.put(CipherSuite.TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256, "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256");
    }

    private PskSuites() {}

    /** All of them, by their numbers. */
    static int[] all() {
        int[] suites = new int[TLS_13.size() + TLS_12.size()];
        int at = 0;
        for (int suite : TLS_13.keySet()) {
            suites[at++] = suite;
        }
        for (int suite : TLS_12.keySet()) {
            suites[at++] = suite;
        }
        return suites;
    }

    /** Whether it is one of ours and says by itself that keys are pre-shared. */
    static boolean isOfTls12(int suite) {
        return TLS_12.containsKey(suite);
    }

    /** By its name in the standard. */
    static String nameOf(int suite) {
        String name = TLS_13.get(suite);
        return name == null ? TLS_12.getOrDefault(suite, "0x" + Integer.toHexString(suite)) : name;
    }
}

package io.blockseal.keysource.rest;

import org.jspecify.annotations.Nullable;

/** Why a text holds no PEM of the kind that is wanted; nothing of the text itself is in the words. */
final class PemTrouble {
    private static final String CERTIFICATE = "CERTIFICATE-----";
    private static final String PRIVATE_KEY = "PRIVATE KEY-----";
    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";

    private PemTrouble() {}

    /** Where a private key should be that can be used as it is. */
    static String inKey(String text) {
        if (text.isBlank()) {
            return "it is empty";
        }
        if (text.contains("BEGIN ENCRYPTED " + PRIVATE_KEY) || text.contains("Proc-Type: 4,ENCRYPTED")) {
            return "it is encrypted with a passphrase; decrypt it: openssl pkey -in OLD -out NEW";
        }
        if (has(text, BEGIN, PRIVATE_KEY)) {
            return has(text, END, PRIVATE_KEY)
                    ? "what stands between its BEGIN and END is no private key; it is damaged"
                    : "it is cut off: there is no END PRIVATE KEY in it";
        }
        return has(text, BEGIN, CERTIFICATE)
                ? "this is a certificate; are key and certificate swapped?"
                : "there is no 'BEGIN PRIVATE KEY' in it; convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW";
    }

    /** Where certificates should be; null if they may be there. */
    static @Nullable String inCertificates(String text) {
        if (text.isBlank()) {
            return "it is empty";
        }
        int begun = count(text, BEGIN + CERTIFICATE);
        if (begun == 0 && has(text, BEGIN, PRIVATE_KEY)) {
            return "this is a private key; are key and certificate swapped?";
        }
        return count(text, END + CERTIFICATE) < begun ? "it is cut off: an END CERTIFICATE is missing" : null;
    }

    /** Whether a line begins and ends so. */
    private static boolean has(String text, String edge, String what) {
        return text.lines()
                .anyMatch(line -> line.startsWith(edge) && line.strip().endsWith(what));
    }

    private static int count(String text, String words) {
        int count = 0;
        for (int at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
            count++;
        }
        return count;
    }
}

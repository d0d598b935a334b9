package io.blockseal.keysource.aws;

import io.blockseal.keysource.rest.RestStub.Ask;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signature Version 4 as AWS documents it ("Create a signed AWS API request"), from the other side: an oracle that shares
 * no code with the SDK that signs.
 */
final class SignatureCheck {
    private static final Pattern AUTHORIZATION =
            Pattern.compile("AWS4-HMAC-SHA256 Credential=([^/]+)/((\\d{8})/([^/]+)/([^/]+)/aws4_request),"
                    + " ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})");

    private SignatureCheck() {}

    /** What is wrong with the signature of a request to {@code host} for the service in that region; empty if nothing is. */
    static String complaint(Ask ask, String keyId, String secret, String region, String service) throws Exception {
        Matcher parts = AUTHORIZATION.matcher(ask.header("Authorization"));
        if (!parts.matches()) {
            return "MissingAuthenticationTokenException";
        }
        if (!parts.group(1).equals(keyId)) {
            return "UnrecognizedClientException";
        }
        if (!parts.group(4).equals(region) || !parts.group(5).equals(service)) {
            return "InvalidSignatureException";
        }
        String names = parts.group(6);
        for (String needed : new String[] {"host", "x-amz-date", "x-amz-target"}) {
            if (!names.matches("(.*;)?" + needed + "(;.*)?")) {
                return "IncompleteSignatureException";
            }
        }
        StringBuilder canonical = new StringBuilder(ask.method() + "\n" + ask.path() + "\n\n");
        for (String name : names.split(";")) {
            canonical.append(name).append(':').append(ask.header(name).strip()).append('\n');
        }
        canonical.append('\n').append(names).append('\n').append(sha256(ask.body()));
        String toSign = "AWS4-HMAC-SHA256\n" + ask.header("X-Amz-Date") + "\n" + parts.group(2) + "\n"
                + sha256(canonical.toString().getBytes(StandardCharsets.UTF_8));
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String step : new String[] {parts.group(3), region, service, "aws4_request"}) {
            key = hmac(key, step);
        }
        return HexFormat.of().formatHex(hmac(key, toSign)).equals(parts.group(7)) ? "" : "InvalidSignatureException";
    }

    private static String sha256(byte[] bytes) throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}

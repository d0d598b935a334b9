package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.rest.TlsFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.UUID;

/** A certificate of the application: we sign a statement about ourselves with its key (RFC 7523), by PS256. */
record CertificateCredential(Path certificate, Path key) implements Credential {
    static final String ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private static final int LIFE_SECONDS = 600;
    private static final int SALT_BYTES = 32;
    private static final byte[] BEGIN = "-----BEGIN CERTIFICATE-----".getBytes(StandardCharsets.US_ASCII);
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    @Override
    public void prove(FormBody form, String clientId, String tokenEndpoint) throws KeySourceException {
        PrivateKey signer = TlsFiles.privateKey(key);
        if (!signer.getAlgorithm().equals("RSA")) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, "private key file " + key + " has no RSA key; Entra ID takes no other here");
        }
        try {
            form.text("client_assertion_type", ASSERTION_TYPE)
                    .text("client_assertion", assertion(signer, clientId, tokenEndpoint));
        } catch (IOException | GeneralSecurityException wrong) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "certificate file " + certificate + " cannot be used: " + wrong.getMessage(),
                    wrong);
        }
    }

    private String assertion(PrivateKey signer, String clientId, String audience)
            throws IOException, GeneralSecurityException {
        byte[] der = read().getEncoded();
        long now = Instant.now().getEpochSecond();
        String signed = encoded(new KeyDocument()
                        .text("alg", "PS256")
                        .text("typ", "JWT")
                        .text("x5t", thumbprint("SHA-1", der))
                        .text("x5t#S256", thumbprint("SHA-256", der)))
                + "."
                + encoded(new KeyDocument()
                        .text("aud", audience)
                        .text("iss", clientId)
                        .text("sub", clientId)
                        .text("jti", UUID.randomUUID().toString())
                        .number("nbf", now)
                        .number("exp", now + LIFE_SECONDS));
        Signature signature = Signature.getInstance("RSASSA-PSS");
        signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, SALT_BYTES, 1));
        signature.initSign(signer);
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + BASE64.encodeToString(signature.sign());
    }

    /** The first certificate in the file, in which our key may stand as well. */
    private Certificate read() throws IOException, GeneralSecurityException {
        byte[] text = Files.readAllBytes(certificate);
        try {
            for (int at = 0; at + BEGIN.length <= text.length; at++) {
                if (Arrays.equals(text, at, at + BEGIN.length, BEGIN, 0, BEGIN.length)) {
                    return CertificateFactory.getInstance("X.509")
                            .generateCertificate(new ByteArrayInputStream(text, at, text.length - at));
                }
            }
            throw new IOException("there is no 'BEGIN CERTIFICATE' in it");
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    private static String thumbprint(String algorithm, byte[] der) throws GeneralSecurityException {
        return BASE64.encodeToString(MessageDigest.getInstance(algorithm).digest(der));
    }

    private static String encoded(KeyDocument part) {
        try (part) {
            return BASE64.encodeToString(part.toBytes());
        }
    }

    @Override
    public String words() {
        return "the certificate in " + certificate;
    }
}

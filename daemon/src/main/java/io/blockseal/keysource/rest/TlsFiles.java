package io.blockseal.keysource.rest;

import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.spec.PBEParameterSpec;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.jspecify.annotations.Nullable;

/** Certificates and private keys in PEM, as operators have them. */
public final class TlsFiles {
    /** PKCS #8, and what older tools and certtool write: PKCS #1, and SEC 1. */
    private static final int SALT_BYTES = 16;

    private static final Pattern PRIVATE_KEY =
            Pattern.compile("-----BEGIN (RSA |EC |)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END \\1PRIVATE KEY-----");

    private TlsFiles() {}

    /** TLS that trusts the authorities in one file only, or the system's if null, and shows a certificate if one is given. */
    public static SSLContext context(@Nullable Path authorities, @Nullable Path certificate, @Nullable Path key)
            throws KeySourceException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keyManagers(certificate, key), trustManagers(authorities), null);
            return context;
        } catch (GeneralSecurityException | IOException wrong) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, "TLS to the key source cannot be set up: " + wrong.getMessage(), wrong);
        }
    }

    private static TrustManager @Nullable [] trustManagers(@Nullable Path authorities)
            throws KeySourceException, GeneralSecurityException, IOException {
        if (authorities == null) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        int count = 0;
        for (Certificate certificate : certificates(authorities)) {
            store.setCertificateEntry("ca" + count++, certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyManager @Nullable [] keyManagers(@Nullable Path certificate, @Nullable Path key)
            throws KeySourceException, GeneralSecurityException, IOException {
        if (certificate == null || key == null) {
            return null;
        }
        char[] none = new char[0];
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        // By default the store takes 10 ms to guard the key by this password. It is nobody's secret, and the store is
        // never written: nothing is lost by one round in place of ten thousand.
        PBEParameterSpec once = new PBEParameterSpec(new byte[SALT_BYTES], 1);
        PrivateKey secret = privateKey(key);
        Certificate[] chain = certificates(certificate).toArray(Certificate[]::new);
        requirePair(chain[0], secret, certificate, key);
        KeyStore.PrivateKeyEntry entry = new KeyStore.PrivateKeyEntry(secret, chain);
        store.setEntry("us", entry, new KeyStore.PasswordProtection(none, "PBEWithHmacSHA256AndAES_256", once));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, none);
        return factory.getKeyManagers();
    }

    /** The certificates of a PEM file, first ours and then who signed it. */
    public static Collection<? extends Certificate> certificates(Path file) throws KeySourceException {
        try {
            byte[] text = Files.readAllBytes(file);
            String trouble = PemTrouble.inCertificates(new String(text, StandardCharsets.ISO_8859_1));
            if (trouble != null) {
                throw new GeneralSecurityException(trouble);
            }
            Collection<? extends Certificate> all =
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(text));
            if (all.isEmpty()) {
                throw new GeneralSecurityException("there is none in it");
            }
            return all;
        } catch (IOException unreadable) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, FileTrouble.unreadable("certificate file " + file, unreadable), unreadable);
        } catch (GeneralSecurityException wrong) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "certificate file " + file + " cannot be read: " + wrong.getMessage()
                            + ". It holds certificates in PEM",
                    wrong);
        }
    }

    /** The private key of a PEM file, which nobody else may read. */
    public static PrivateKey privateKey(Path file) throws KeySourceException {
        byte[] text = new byte[0];
        try {
            text = Files.readAllBytes(PrivateFile.realPathOf(file, "private key file"));
            String all = new String(text, StandardCharsets.ISO_8859_1);
            Matcher pem = PRIVATE_KEY.matcher(all);
            if (!pem.find()) {
                throw new GeneralSecurityException(PemTrouble.inKey(all));
            }
            byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
            try {
                return switch (pem.group(1)) {
                    case "RSA " -> wrapped(PKCSObjectIdentifiers.rsaEncryption, DERNull.INSTANCE, der);
                    case "EC " ->
                        wrapped(
                                X9ObjectIdentifiers.id_ecPublicKey,
                                ECPrivateKey.getInstance(der).getParametersObject(),
                                der);
                    default -> parse(der);
                };
            } finally {
                Arrays.fill(der, (byte) 0);
            }
        } catch (FileSystemException unreadable) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, FileTrouble.unreadable("private key file " + file, unreadable), unreadable);
        } catch (IOException | GeneralSecurityException | IllegalArgumentException wrong) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, "private key file " + file + " cannot be used: " + wrong.getMessage(), wrong);
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    /**
     * Refuses the key of another certificate, which only the other end would notice.
     *
     * @throws GeneralSecurityException naming both files
     */
    public static void requirePair(Certificate ours, PrivateKey key, Path certificate, Path keyFile)
            throws GeneralSecurityException {
        byte[] anything = "blockseal".getBytes(StandardCharsets.US_ASCII);
        boolean fits = ours.getPublicKey().getAlgorithm().equals(key.getAlgorithm());
        if (fits) {
            String algorithm =
                    switch (key.getAlgorithm()) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> key.getAlgorithm();
                    };
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(anything);
            byte[] signed = signature.sign();
            signature.initVerify(ours.getPublicKey());
            signature.update(anything);
            fits = signature.verify(signed);
        }
        if (!fits) {
            throw new GeneralSecurityException(
                    "the private key " + keyFile + " is not that of the first certificate in " + certificate
                            + "; our own comes first there, then who signed it");
        }
    }

    private static PrivateKey wrapped(ASN1ObjectIdentifier algorithm, ASN1Encodable parameters, byte[] der)
            throws GeneralSecurityException, IOException {
        byte[] pkcs8 = new PrivateKeyInfo(
                        new AlgorithmIdentifier(algorithm, parameters), ASN1Primitive.fromByteArray(der))
                .getEncoded();
        try {
            return parse(pkcs8);
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
        }
    }

    private static PrivateKey parse(byte[] der) throws GeneralSecurityException {
        GeneralSecurityException last = new GeneralSecurityException("unknown");
        for (String algorithm : new String[] {"RSA", "EC", "Ed25519"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
            } catch (GeneralSecurityException another) {
                last = another;
            }
        }
        throw new GeneralSecurityException("it is neither RSA nor EC nor Ed25519, or damaged", last);
    }
}

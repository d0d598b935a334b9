package io.blockseal.server;

import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsMode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A server's certificate that signed itself, made once by the JDK's own tool, and what both ends need of it. */
final class FuzzCertificate {
    private static final char[] PASSWORD = "changeit".toCharArray();

    private final X509Certificate certificate;
    private final Protection protection;

    FuzzCertificate() throws Exception {
        KeyStore store = made();
        certificate = (X509Certificate) store.getCertificate("us");
        PrivateKey key = (PrivateKey) store.getKey("us", PASSWORD);
        // Clients are asked for a certificate and may have none: so their part of the handshake is tried as well.
        CertificateTls tls = CertificateTls.of(List.of(certificate), key, List.of(certificate), false);
        protection = new Protection(
                TlsMode.OPTIONAL, new TlsEndpoint(new Credentials(tls, null), new TlsFigures(), Runnable::run));
    }

    private static KeyStore made() throws Exception {
        Path folder = Files.createTempDirectory("fuzz-certificate");
        Path file = folder.resolve("store.p12");
        try {
            Process tool = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            "us",
                            "-keyalg",
                            "EC",
                            "-groupname",
                            "secp256r1",
                            "-dname",
                            "CN=localhost",
                            "-validity",
                            "3650",
                            "-storetype",
                            "PKCS12",
                            "-keystore",
                            file.toString(),
                            "-storepass",
                            new String(PASSWORD))
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("said").toFile())
                    .start();
            if (tool.waitFor() != 0) {
                throw new IOException("keytool: " + Files.readString(folder.resolve("said")));
            }
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, PASSWORD);
            }
            return store;
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder.resolve("said"));
            Files.delete(folder);
        }
    }

    /** For the server. */
    Protection protection() {
        return protection;
    }

    /** For a client that trusts it. */
    SSLContext client() throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("them", certificate);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}

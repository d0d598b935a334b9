package io.blockseal.keysource.rest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * A certificate for localhost, signed by itself, made once by the JDK's keytool.
 *
 * @param context for a server that shows it
 * @param pem the certificate, for who shall trust it
 */
public record TestCertificate(SSLContext context, Path pem) {
    private static final String PASSWORD = "changeit";
    private static TestCertificate forLocalhost;

    /** The one for localhost. */
    public static synchronized TestCertificate forLocalhost() throws Exception {
        if (forLocalhost == null) {
            forLocalhost = make("localhost");
        }
        return forLocalhost;
    }

    /** A new one for a host. */
    public static TestCertificate make(String host) throws Exception {
        Path folder = Files.createTempDirectory("blockseal-tls");
        Path store = folder.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "it",
                        "-dname",
                        "CN=" + host,
                        "-ext",
                        "SAN=dns:" + host + ",ip:127.0.0.1",
                        "-validity",
                        "30",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes());
        if (keytool.waitFor() != 0) {
            throw new IOException(output);
        }
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        Path pem = folder.resolve("ca.pem");
        Files.writeString(
                pem,
                "-----BEGIN CERTIFICATE-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(keys.getCertificate("it").getEncoded())
                        + "\n-----END CERTIFICATE-----\n");
        folder.toFile().deleteOnExit();
        store.toFile().deleteOnExit();
        pem.toFile().deleteOnExit();
        return new TestCertificate(context, pem);
    }
}

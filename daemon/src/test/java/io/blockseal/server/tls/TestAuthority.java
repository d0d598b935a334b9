package io.blockseal.server.tls;

import io.blockseal.keysource.rest.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** An authority for certificates, made by openssl for one test. */
public final class TestAuthority {
    /** A certificate and its key, as files. */
    public record Pair(Path certificate, Path key) {
        public List<X509Certificate> chain() throws Exception {
            return certificates(certificate);
        }

        public PrivateKey secret() throws Exception {
            return TlsFiles.privateKey(key);
        }
    }

    private static final char[] NONE = new char[0];

    private final Path folder;
    private final Pair own;
    private int count;

    public TestAuthority(Path folder, String name) throws IOException, InterruptedException {
        this.folder = Files.createDirectories(folder.resolve(name));
        this.own = new Pair(this.folder.resolve("ca.pem"), this.folder.resolve("ca.key"));
        openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 9 -subj /CN="
                        + name);
    }

    /** The file with its certificate. */
    public Path certificate() {
        return own.certificate();
    }

    public List<X509Certificate> certificates() throws Exception {
        return certificates(own.certificate());
    }

    private static List<X509Certificate> certificates(Path file) throws Exception {
        return TlsFiles.certificates(file).stream()
                .map(X509Certificate.class::cast)
                .toList();
    }

    /** For a server at this machine. */
    public Pair forServer() throws IOException, InterruptedException {
        return issue("/CN=server", "DNS:localhost,IP:127.0.0.1", "serverAuth", 9);
    }

    /** A certificate of that subject and those other names, which ends in so many days. */
    public Pair issue(String subject, String names, String usage, int days) throws IOException, InterruptedException {
        return issue("ec -pkeyopt ec_paramgen_curve:P-256", subject, names, usage, days);
    }

    /** Likewise, with a key of that kind, in the words of openssl. */
    public Pair issue(String kind, String subject, String names, String usage, int days)
            throws IOException, InterruptedException {
        String name = "c" + count++;
        Files.writeString(
                folder.resolve(name + ".ext"), "subjectAltName=" + names + "\nextendedKeyUsage=" + usage + "\n");
        openssl("req -new -newkey " + kind + " -nodes -keyout " + name + ".key -out " + name + ".csr -subj " + subject);
        openssl("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile " + name
                + ".ext -days " + days + " -out " + name + ".pem");
        Path key = folder.resolve(name + ".key");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
        return new Pair(folder.resolve(name + ".pem"), key);
    }

    private void openssl(String arguments) throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        Process process = new ProcessBuilder(("openssl " + arguments).split(" "))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        if (process.waitFor() != 0) {
            throw new IOException("openssl " + arguments + ": " + Files.readString(said));
        }
    }

    /** A server that shows a certificate, and believes that and what {@code trusted} has signed. */
    public static SSLContext server(Pair shown, X509Certificate trusted) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("us", shown.secret(), NONE, shown.chain().toArray(Certificate[]::new));
        store.setCertificateEntry("them", trusted);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, NONE);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    /** A client that trusts this authority and shows that certificate; null for none. */
    public SSLContext client(Pair pair) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", certificates().get(0));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyManager[] shown = null;
        if (pair != null) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(null, null);
            keys.setKeyEntry("us", pair.secret(), NONE, pair.chain().toArray(Certificate[]::new));
            KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
            factory.init(keys, NONE);
            // Whatever the server says that it would take: a test may want to show it something else.
            shown = new KeyManager[] {new AlwaysThis(factory.getKeyManagers()[0])};
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(shown, trust.getTrustManagers(), null);
        return context;
    }

    private static final class AlwaysThis extends javax.net.ssl.X509ExtendedKeyManager {
        private final javax.net.ssl.X509ExtendedKeyManager keys;

        AlwaysThis(KeyManager keys) {
            this.keys = (javax.net.ssl.X509ExtendedKeyManager) keys;
        }

        @Override
        public String[] getClientAliases(String type, java.security.Principal[] issuers) {
            return new String[] {"us"};
        }

        @Override
        public String chooseClientAlias(String[] types, java.security.Principal[] issuers, java.net.Socket socket) {
            return "us";
        }

        @Override
        public String[] getServerAliases(String type, java.security.Principal[] issuers) {
            return new String[0];
        }

        @Override
        public String chooseServerAlias(String type, java.security.Principal[] issuers, java.net.Socket socket) {
            return null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return keys.getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return keys.getPrivateKey(alias);
        }
    }
}

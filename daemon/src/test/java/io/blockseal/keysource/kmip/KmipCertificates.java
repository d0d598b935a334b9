package io.blockseal.keysource.kmip;

import io.blockseal.keysource.rest.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * An authority, a server's certificate for localhost and two clients' ones, made by openssl as an operator would; and a
 * client's one that the authority has not signed.
 */
record KmipCertificates(Path folder) {
    /** A new set. */
    static KmipCertificates make(Path folder) throws IOException, InterruptedException {
        KmipCertificates made = new KmipCertificates(folder);
        made.selfSigned("ca", "/CN=tests");
        made.selfSigned("stranger", "/CN=stranger");
        made.signed("server", "/CN=localhost", "serverAuth");
        made.signed("client", "/CN=storage", "clientAuth");
        made.signed("other", "/CN=somebody-else", "clientAuth");
        return made;
    }

    private void selfSigned(String name, String subject) throws IOException, InterruptedException {
        List<String> command = newKey(name, subject);
        command.addAll(List.of("-x509", "-days", "30", "-out", certificate(name).toString()));
        openssl(command);
    }

    private void signed(String name, String subject, String usage) throws IOException, InterruptedException {
        Path request = folder.resolve(name + ".csr");
        Path extensions = folder.resolve(name + ".ext");
        List<String> command = newKey(name, subject);
        command.addAll(List.of("-out", request.toString()));
        openssl(command);
        Files.writeString(
                extensions,
                "extendedKeyUsage=" + usage
                        + "\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
        openssl(List.of(
                "x509",
                "-req",
                "-days",
                "30",
                "-in",
                request.toString(),
                "-CA",
                certificate("ca").toString(),
                "-CAkey",
                key("ca").toString(),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                certificate(name).toString()));
    }

    private List<String> newKey(String name, String subject) {
        return new ArrayList<>(List.of(
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                subject,
                "-keyout",
                key(name).toString()));
    }

    private static void openssl(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(arguments);
        command.add(0, "openssl");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException(command + ": " + output);
        }
    }

    Path certificate(String name) {
        return folder.resolve(name + ".crt");
    }

    Path key(String name) {
        return folder.resolve(name + ".key");
    }

    /** The options of a source that is this client. */
    String options(String client) {
        return "ca-file=" + certificate("ca") + "&client-cert-file=" + certificate(client) + "&client-key-file="
                + key(client);
    }

    /** For a server that wants clients of the authority. */
    SSLContext server() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        Certificate[] chain = TlsFiles.certificates(certificate("server")).toArray(Certificate[]::new);
        store.setKeyEntry("us", TlsFiles.privateKey(key("server")), new char[0], chain);
        for (Certificate each : TlsFiles.certificates(certificate("ca"))) {
            store.setCertificateEntry("ca", each);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, new char[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}

package io.blockseal.keysource.vault;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import io.blockseal.server.tls.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;

/** The stub behind TLS that asks for a certificate; one certificate, made by openssl, is everybody's. */
final class CertifiedStub implements AutoCloseable {
    private final HttpsServer server;
    private final VaultStub stub;
    private final Path folder;

    private CertifiedStub(Path folder, VaultStub stub) throws Exception {
        this.folder = folder;
        this.stub = stub;
        makeCertificate();
        TestAuthority.Pair everybodys = new TestAuthority.Pair(certificate(), key());
        SSLContext context = TestAuthority.server(everybodys, everybodys.chain().get(0));
        this.server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 8);
        server.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters asking = context.getDefaultSSLParameters();
                asking.setWantClientAuth(true);
                parameters.setSSLParameters(asking);
            }
        });
        server.createContext("/", this::serve);
        server.start();
    }

    static CertifiedStub start(Path folder, VaultStub stub) throws Exception {
        return new CertifiedStub(folder, stub);
    }

    Path certificate() {
        return folder.resolve("tls.pem");
    }

    Path key() {
        return folder.resolve("tls.key");
    }

    KeySource source(KeySourceContext context, String mount, String options) throws KeySourceException {
        String uri = "vault-transit:https://localhost:" + server.getAddress().getPort() + "/" + mount + "/one?"
                + options + "&ca-file=" + certificate();
        return new VaultKeySourceProvider(VaultPremises.IMPATIENT).open(KeySourceSpec.parse(uri), context);
    }

    private void makeCertificate() throws Exception {
        String line =
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost"
                        + " -addext subjectAltName=DNS:localhost -out " + certificate() + " -keyout " + key();
        Process openssl =
                new ProcessBuilder(line.split(" ")).redirectErrorStream(true).start();
        String output = new String(openssl.getInputStream().readAllBytes());
        if (openssl.waitFor() != 0) {
            throw new IOException(output);
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> headers = new HashMap<>();
            exchange.getRequestHeaders()
                    .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.get(0)));
            Ask ask = new Ask(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().getPath(),
                    Map.of(),
                    headers,
                    exchange.getRequestBody().readAllBytes());
            Reply reply = stub.answer(ask, isCertified((HttpsExchange) exchange));
            exchange.sendResponseHeaders(reply.status(), reply.body().length);
            exchange.getResponseBody().write(reply.body());
        } catch (IOException broken) {
            throw broken;
        } catch (Exception broken) {
            throw new IOException(broken);
        }
    }

    private static boolean isCertified(HttpsExchange exchange) {
        try {
            return exchange.getSSLSession().getPeerCertificates().length > 0;
        } catch (SSLPeerUnverifiedException nobody) {
            return false;
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

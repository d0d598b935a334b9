package io.blockseal.server.musts;

import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.BlocksealPeer;
import io.blockseal.server.Protection;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** The servers with TLS, on TCP: each, whether it insists on TLS, and what a client needs that trusts it. */
final class TlsPeers implements ArgumentsProvider {
    private static final ExtensionContext.Namespace HERE = ExtensionContext.Namespace.create(TlsPeers.class);

    /** All that one run of all tests has of them. */
    private record Running(Path folder, TestAuthority authority, PeerSet insisting, PeerSet tolerant)
            implements AutoCloseable {
        static Running begin() throws Exception {
            Path folder = Files.createTempDirectory("tls");
            TestAuthority authority = new TestAuthority(folder, "ours");
            TestAuthority.Pair pair = authority.forServer();
            // The names by which everybody finds them who uses GnuTLS.
            Map<String, Path> names = Map.of(
                    "ca-cert.pem",
                    authority.certificate(),
                    "server-cert.pem",
                    pair.certificate(),
                    "server-key.pem",
                    pair.key());
            Path certificates = Files.createDirectory(folder.resolve("gnutls"));
            for (Map.Entry<String, Path> each : names.entrySet()) {
                Files.copy(each.getValue(), certificates.resolve(each.getKey()));
            }
            Credentials credentials =
                    new Credentials(CertificateTls.of(pair.chain(), pair.secret(), List.of(), false), null);
            TlsEndpoint endpoint = new TlsEndpoint(credentials, new TlsFigures(), ForkJoinPool.commonPool());
            return new Running(
                    folder,
                    authority,
                    new PeerSet(List.of(
                            BlocksealPeer.secured(new Protection(TlsMode.REQUIRED, endpoint)),
                            ForeignPeer.nbdkitWithTls("require", certificates),
                            ForeignPeer.qemuNbdWithTls(certificates))),
                    new PeerSet(List.of(
                            BlocksealPeer.secured(new Protection(TlsMode.OPTIONAL, endpoint)),
                            ForeignPeer.nbdkitWithTls("on", certificates))));
        }

        @Override
        public void close() throws IOException {
            insisting.close();
            tolerant.close();
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file :
                        files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context)
            throws Exception {
        ExtensionContext.Store store = context.getRoot().getStore(HERE);
        Running running = store.get(Running.class, Running.class);
        if (running == null) {
            running = Running.begin();
            store.put(Running.class, running);
        }
        var client = running.authority.client(null);
        Stream<Arguments> insisting = running.insisting.all().stream().map(peer -> Arguments.of(peer, true, client));
        Stream<Arguments> tolerant = running.tolerant.all().stream().map(peer -> Arguments.of(peer, false, client));
        return Stream.concat(insisting, tolerant);
    }
}

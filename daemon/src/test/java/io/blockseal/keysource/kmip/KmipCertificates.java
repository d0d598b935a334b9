package io.blockseal.keysource.kmip;

import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TestAuthority.Pair;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;

/**
 * Who knows whom by what.
 *
 * @param authority has signed for the server and its client
 * @param server shown by the server
 * @param client shown by us
 * @param strangers an authority that nobody trusts
 * @param stranger signed by that one
 * @param context for a server that wants clients of the authority
 */
public record KmipCertificates(
        TestAuthority authority, Pair server, Pair client, TestAuthority strangers, Pair stranger, SSLContext context) {
    /** A new set. */
    public static KmipCertificates make(Path folder) throws Exception {
        TestAuthority authority = new TestAuthority(folder, "tests");
        TestAuthority strangers = new TestAuthority(folder, "strangers");
        Pair server = authority.forServer();
        return new KmipCertificates(
                authority,
                server,
                authority.issue("/CN=storage", "DNS:localhost", "clientAuth", 30),
                strangers,
                strangers.issue("/CN=stranger", "DNS:localhost", "clientAuth", 30),
                TestAuthority.server(server, authority.certificates().get(0)));
    }

    /** The options of a source that the server knows. */
    public String options() {
        return options(authority, client);
    }

    /** The options of a source that trusts {@code trusted} and is {@code shown}. */
    public static String options(TestAuthority trusted, Pair shown) {
        return "ca-file=" + trusted.certificate() + "&client-cert-file=" + shown.certificate() + "&client-key-file="
                + shown.key();
    }
}

package io.blockseal.export;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.export.ClientIdentity.Proof;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClientIdentityTest {
    /** A rule may ask for either, so the log has both. */
    @Test
    void isLoggedWithItsSubjectWhereItsBestNameIsAnother() {
        ClientIdentity workload = new ClientIdentity(
                Proof.CERTIFICATE, "CN=vm1,O=Acme", List.of("dns:vm1", "uri:spiffe://example.org/vm1"));
        assertEquals("client=\"spiffe://example.org/vm1\" subject=\"CN=vm1,O=Acme\"", workload.logged());
        ClientIdentity nameless = new ClientIdentity(Proof.CERTIFICATE, "", List.of("uri:spiffe://example.org/vm1"));
        assertEquals("client=\"spiffe://example.org/vm1\"", nameless.logged());
        ClientIdentity plain = new ClientIdentity(Proof.CERTIFICATE, "CN=vm1", List.of("dns:vm1"));
        assertEquals("client=\"CN=vm1\"", plain.logged());
        assertEquals("client=\"vm3\"", new ClientIdentity(Proof.PSK, "vm3", List.of()).logged());
        assertEquals("client=\"-\"", ClientIdentity.ANONYMOUS.logged());
    }

    /** The subject was chosen by a stranger: it cannot end its quotes. */
    @Test
    void isLoggedPrintably() {
        ClientIdentity forger =
                new ClientIdentity(Proof.CERTIFICATE, "CN=a\" b=\"\n", List.of("uri:spiffe://example.org/a\"b"));
        assertEquals("client=\"spiffe://example.org/a'b\" subject=\"CN=a' b='?\"", forger.logged());
    }
}

package io.blockseal.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NbdUriTest {

    /** The table of doc/uri.md. */
    @ParameterizedTest
    @CsvSource({
        "nbd://example.com/disk,disk",
        "nbd+unix:///disk?socket=sock,disk",
        "nbd://example.com/,''",
        "nbd://example.com,''",
        "nbd://example.com//disk,/disk",
        "nbd://example.com/hello%20world,hello world",
        "nbd://example.com/a+b,a+b",
        "nbd://example.com/%C3%9Cbung,Übung"
    })
    void exportNames(String uri, String exportName) {
        assertEquals(exportName, NbdUri.parse(uri).exportName());
    }

    @ParameterizedTest
    @CsvSource({
        "nbd://example.com:10810/d,example.com,10810",
        "nbd://example.com/d,example.com,10809",
        "nbd://example.com:/d,example.com,10809",
        "NBD://10.0.0.1:1,10.0.0.1,1",
        "nbd://[::1]:65535/d,::1,65535",
        "nbd://[fe80::1%25eth0]/d,fe80::1%eth0,10809",
        "nbd:///d,localhost,10809"
    })
    void hostsAndPorts(String uri, String host, int port) {
        NbdUri parsed = NbdUri.parse(uri);
        assertEquals(host, parsed.host());
        assertEquals(port, parsed.port());
        assertFalse(parsed.tls());
        assertFalse(parsed.isUnix());
    }

    @Test
    void unixSocketsMayBeAbstractAndHaveOddPaths() {
        assertEquals(
                "/run/a b&c.sock",
                NbdUri.parse("nbd+unix:///d?socket=/run/a%20b%26c.sock").socketPath());
        assertEquals(
                "\0/abstract", NbdUri.parse("nbd+unix:///?socket=%00/abstract").socketPath());
        assertTrue(NbdUri.parse("nbd+unix:///?socket=s").isUnix());
    }

    @Test
    void tlsAndItsParameters() {
        NbdUri uri = NbdUri.parse("nbds://alice@example.com/d?tls-type=x509&tls-verify-peer=0");
        assertTrue(uri.tls());
        assertEquals("alice", uri.userName());
        assertEquals(Map.of("tls-type", "x509", "tls-verify-peer", "0"), uri.parameters());
        assertTrue(NbdUri.parse("nbds+unix:///d?socket=s&tls-hostname=h").tls());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nbd://example.com:10809/a%20b%25",
                "nbds://alice@[fe80::1%25eth0]:1/",
                "nbd+unix:///d?socket=/run/a%20b.sock&x-y=1",
                "nbd+unix:////d?socket=%00/abstract",
                "nbds://a%2Fb%40@host:1//c"
            })
    void textComesBack(String text) {
        assertEquals(text, NbdUri.parse(text).toString());
        assertEquals(NbdUri.parse(text), NbdUri.parse(NbdUri.parse(text).toString()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "example.com",
                "http://example.com/",
                "nbdx://example.com/",
                "nbd+tcp://example.com/",
                "nbd:unix:/run/sock",
                "nbd:/example.com",
                "nbd://example.com:0/",
                "nbd://example.com:65536/",
                "nbd://example.com:-1/",
                "nbd://example.com:ten/",
                "nbd://::1/",
                "nbd://[::1/",
                "nbd://[::1]1/",
                "nbd://a%2Fb/",
                "nbd://a%40b/",
                "nbd://a b/",
                "nbd://[::1%5D]/",
                "nbd://example.com/%",
                "nbd://example.com/%2",
                "nbd://example.com/%gg",
                "nbd://example.com/%ff",
                "nbd://example.com/a%00b",
                "nbd://example.com/a#b",
                "nbd://example.com/?socket=s",
                "nbd+unix:///d",
                "nbd+unix:///d?socket=",
                "nbd+unix://host/d?socket=s",
                "nbd+unix:///d?socket=s&socket=t"
            })
    void whatIsNoNbdAddressIsRefusedWithARemedy(String text) {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> NbdUri.parse(text));
        assertTrue(refused.getMessage().startsWith("not an NBD address: \"" + text + "\": "), refused.getMessage());
    }
}

package io.blockseal.server.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.handler.ssl.OpenSsl;
import org.junit.jupiter.api.Test;

class TlsLibraryTest {
    /** It comes with its native part for all processors that there is a shim for. */
    @Test
    void isBoringSslAndNoOther() {
        assertEquals(TlsLibrary.BORINGSSL, TlsLibrary.inUse(), () -> String.valueOf(OpenSsl.unavailabilityCause()));
        assertTrue(OpenSsl.versionString().contains("BoringSSL"), OpenSsl.versionString());
    }
}

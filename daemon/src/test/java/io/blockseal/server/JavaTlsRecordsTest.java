package io.blockseal.server;

import io.blockseal.server.tls.TlsLibrary;

/** All of it by Java's own TLS. */
class JavaTlsRecordsTest extends TlsRecordsTest {
    @Override
    TlsLibrary library() {
        return TlsLibrary.JAVA;
    }
}

package io.blockseal.server;

import io.blockseal.server.tls.TlsLibrary;

/** All of it by Java's own TLS. */
class JavaTlsTest extends TlsTest {
    @Override
    TlsLibrary library() {
        return TlsLibrary.JAVA;
    }
}

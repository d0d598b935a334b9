package io.blockseal.server.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsServerProtocol;

/**
 * The library's part of one connection. It ends with an alert what the library would put up with, at a price, as often as
 * it is asked: one record has room for thousands of either. On one thread at a time.
 */
class PskProtocol extends TlsServerProtocol {
    private boolean askedAnew;
    private boolean keysChanged;

    /** What is offered next is another record. */
    final void beginRecord() {
        keysChanged = false;
    }

    /** Whether it ended because the client wanted to negotiate anew. */
    final boolean wasAskedAnew() {
        return askedAnew;
    }

    /** The library would answer each time that it does not want to. */
    @Override
    protected final boolean handleRenegotiation() throws IOException {
        askedAnew = true;
        throw new TlsFatalAlert(AlertDescription.handshake_failure, "the client wants to negotiate anew");
    }

    /** Nothing may stand behind a change of keys in its record (RFC 8446, 5.1); each makes us derive new ones. */
    @Override
    protected final void receive13KeyUpdate(ByteArrayInputStream message) throws IOException {
        if (keysChanged) {
            throw new TlsFatalAlert(AlertDescription.unexpected_message, "keys change twice in one record");
        }
        keysChanged = true;
        super.receive13KeyUpdate(message);
    }
}

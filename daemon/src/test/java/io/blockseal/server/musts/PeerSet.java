package io.blockseal.server.musts;

import io.blockseal.server.NbdPeer;
import java.io.IOException;
import java.util.List;

/** Servers of one run of all tests: each is started by the first test that needs it, and ends with the last. */
record PeerSet(List<NbdPeer> all) implements AutoCloseable {
    @Override
    public void close() throws IOException {
        for (NbdPeer peer : all) {
            peer.close();
        }
    }
}

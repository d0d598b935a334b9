package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Our server, all points; and after each of them everything has been given back. */
class BlocksealMustsTest extends NbdMusts {
    @Override
    NbdPeer startPeer() throws Exception {
        return ours(ServerOptions.DEFAULT, false);
    }

    static NbdPeer ours(ServerOptions options, boolean later) throws IOException {
        ServerRig rig = new ServerRig(options);
        rig.disk.later = later;
        return new NbdPeer() {
            @Override
            public Path socket() {
                return rig.socket;
            }

            @Override
            public String exportName() {
                return "disk";
            }

            @Override
            public Map<Integer, String> knownFailures() {
                return Map.of();
            }

            @Override
            public void close() throws IOException {
                try {
                    rig.assertEverythingIsBack();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                } finally {
                    rig.close();
                }
            }
        };
    }

    @Test
    @DisplayName("29. idle is normal: the handshake has a limit, transmission has none")
    void idleIsNormal() throws Exception {
        try (NbdPeer impatient = ours(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(200), false);
                RawNbd idle = RawNbd.transmitting(impatient.socket(), "disk", NbdReplyStyle.SIMPLE)) {
            // Two later handshakes run out of time one after the other; the idle client is older than both.
            for (int i = 0; i < 2; i++) {
                try (RawNbd half = RawNbd.haggling(impatient.socket())) {
                    half.sendOptionHeader(7, 100);
                    assertTrue(half.isClosedByServer());
                }
            }
            assertTrue(idle.read(0, 512).error() == 0);
        }
    }
}

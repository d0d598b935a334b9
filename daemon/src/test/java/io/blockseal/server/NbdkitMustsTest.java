package io.blockseal.server;

import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;

/** The tests themselves, tried on nbdkit. */
@Tag("peer")
class NbdkitMustsTest extends NbdMusts {
    private static final Map<Integer, String> KNOWN = Map.of(
            5, "the memory plugin serves every name",
            12, "the memory plugin serves every name, so none is refused",
            16, "the memory plugin answers NO_HOLE with a hole",
            22, "a malformed SET_META_CONTEXT leaves the former set in force",
            24, "1.32 ends on an assertion when a client is gone before its replies are sent");

    @Override
    NbdPeer startPeer() throws Exception {
        Assumptions.assumeTrue(NbdPeer.hasProgram("nbdkit"), "nbdkit is not installed");
        return NbdPeer.start("disk", KNOWN, "nbdkit", "-f", "-U", "SOCKET", "memory", "32M");
    }
}

package io.blockseal.server;

import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;

/** The tests themselves, tried on qemu-nbd. */
@Tag("peer")
class QemuNbdMustsTest extends NbdMusts {
    private static final Map<Integer, String> KNOWN = Map.of(
            11, "a write past the end is EINVAL",
            12, "an error text repeats the client's name, bad UTF-8 and all",
            16, "zeroes written to a file may be reported as a hole",
            23, "DISC drops the replies to what is outstanding");

    @Override
    NbdPeer startPeer() throws Exception {
        Assumptions.assumeTrue(NbdPeer.hasProgram("qemu-nbd"), "qemu-nbd is not installed");
        return NbdPeer.start(
                "disk",
                KNOWN,
                "qemu-nbd",
                "-f",
                "raw",
                "-t",
                "-e",
                "32",
                "-x",
                "disk",
                "--discard=unmap",
                "-k",
                "SOCKET",
                "DISK");
    }
}

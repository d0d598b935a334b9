package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that come and go without manners, or ask for much and take nothing: they cost others nothing that grows. */
class BadClientIT {
    private static final int MIB = 1 << 20;
    /** Written before each test. */
    private static final int DATA_MIB = 32;

    /** Far above what the daemon needs (some 200 MiB), far below what such clients ask of it. */
    private static final long RESIDENT_MAX = 700L << 20;

    @TempDir
    Path folder;

    private Server server;
    private Metrics metrics;
    private int port;
    private final byte[] data = new byte[MIB];

    @BeforeEach
    void serve() throws Exception {
        Server.create(folder, "64M");
        port = Ports.free();
        int admin = Ports.free();
        server = Server.start(folder, "--listen", "127.0.0.1:" + port, "--admin", "127.0.0.1:" + admin);
        metrics = new Metrics(admin);
        new Random(4).nextBytes(data);
        try (NbdSocket client = NbdSocket.go(port)) {
            for (long offset = 0; offset < (long) DATA_MIB * MIB; offset += MIB) {
                assertEquals(0, client.write(offset, data));
            }
        }
    }

    @AfterEach
    void stop() throws IOException {
        assertEquals(0, server.stop(), server.log());
        Complaint.readable(server.log());
    }

    private void everythingComesBack() throws Exception {
        metrics.awaitAtMost(0, "blockseal_connections", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_requests_in_flight", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_buffer_pool_leased_bytes");
    }

    @Test
    void aThousandClientsComeAndLeaveNothingBehind() throws Exception {
        double filesBefore = metrics.value("process_files_open_files");
        for (int i = 0; i < 1000; i++) {
            leaveAt(i % 8);
        }
        everythingComesBack();
        metrics.awaitAtMost(filesBefore + 4, "process_files_open_files");
        assertTrue(resident() < RESIDENT_MAX, "resident: " + resident());
        try (NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(data, client.read(5L * MIB, MIB));
        }
    }

    /** One client's visit, broken off in the stage of this number. */
    private void leaveAt(int stage) throws IOException {
        switch (stage) {
            case 0 -> NbdSocket.connect(port).close();
            case 1 -> NbdSocket.greeted(port).close();
            case 2 -> {
                try (NbdSocket client = NbdSocket.greeted(port)) {
                    client.optionHeader(NbdSocket.OPTION_GO, 4000);
                    client.raw(new byte[100]);
                }
            }
            case 3 -> NbdSocket.go(port).close();
            case 4 -> {
                try (NbdSocket client = NbdSocket.go(port)) {
                    client.header(NbdSocket.READ, 0, 0, MIB);
                    client.header(NbdSocket.READ, 0, MIB, MIB);
                    client.send();
                }
            }
            case 5 -> {
                try (NbdSocket client = NbdSocket.go(port)) {
                    client.header(NbdSocket.WRITE, 0, 50L * MIB, MIB);
                    client.raw(new byte[MIB / 2]);
                }
            }
            case 6 -> {
                try (NbdSocket client = NbdSocket.go(port)) {
                    client.raw(new byte[] {0x25, 0x60});
                }
            }
            default -> {
                try (NbdSocket client = NbdSocket.go(port)) {
                    assertEquals(0, client.write(52L * MIB, new byte[512]));
                }
            }
        }
    }

    @Test
    void clientsThatNeverTakeTheirRepliesAreBoundedAndOthersAreServed() throws Exception {
        List<NbdSocket> greedy = new ArrayList<>();
        try {
            for (int i = 0; i < 16; i++) {
                NbdSocket client = NbdSocket.go(port);
                greedy.add(client);
                // 256 MiB of replies each, 4 GiB together.
                for (int request = 0; request < 256; request++) {
                    client.header(NbdSocket.READ, 0, (long) (request % DATA_MIB) * MIB, MIB);
                }
                client.send();
            }
            try (NbdSocket polite = NbdSocket.go(port)) {
                for (int i = 0; i < 100; i++) {
                    assertArrayEquals(data, polite.read((long) (i % DATA_MIB) * MIB, MIB));
                    assertEquals(0, polite.write(40L * MIB, data));
                    assertTrue(resident() < RESIDENT_MAX, "resident: " + resident());
                }
            }
        } finally {
            for (NbdSocket client : greedy) {
                client.close();
            }
        }
        everythingComesBack();
    }

    private long resident() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/" + server.pid() + "/status")).stream()
                .filter(each -> each.startsWith("VmRSS:"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }
}

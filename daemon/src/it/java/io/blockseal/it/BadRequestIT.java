package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that break the rules: the right error or a closed connection for them, and for the client beside them, which
 * is asked after each test, nothing at all.
 */
class BadRequestIT {
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final long SIZE = 64L << 20;
    private static final int MAX_PAYLOAD = 32 << 20;
    private static final int UNIT = 4096;

    @TempDir
    static Path folder;

    private static Server server;
    private static int port;
    private static NbdSocket bystander;
    private static final byte[] DATA = new byte[64 << 10];

    @BeforeAll
    static void serve() throws IOException {
        Server.create(folder, "64M");
        port = Ports.free();
        Path config = Files.writeString(
                folder.resolve("impatient.yaml"),
                "listen: [127.0.0.1:" + port + "]\nhandshake-seconds: 2\nstate-dir: " + folder.resolve("state")
                        + "\nvolumes:\n  - path: " + folder.resolve("demo.bsl") + "\n    key-file: "
                        + Server.key(folder) + "\n");
        server = Server.serve(folder, "--config", config.toString());
        new Random(1).nextBytes(DATA);
        bystander = NbdSocket.go(port);
        assertEquals(0, bystander.write(SIZE - DATA.length, DATA));
    }

    @AfterAll
    static void stop() throws IOException {
        bystander.close();
        assertEquals(0, server.stop(), server.log());
        Complaint.readable(server.log());
    }

    private NbdSocket client;

    @BeforeEach
    void connect() throws IOException {
        client = NbdSocket.go(port);
    }

    @AfterEach
    void othersNoticeNothing() throws IOException {
        client.close();
        assertArrayEquals(DATA, bystander.read(SIZE - DATA.length, DATA.length));
        NbdSocket.go(port).close();
    }

    private void staysInStep() throws IOException {
        assertArrayEquals(DATA, client.read(SIZE - DATA.length, DATA.length));
    }

    @Test
    void requestsPastTheEndAreRefusedAndDoNothing() throws IOException {
        for (long offset : new long[] {SIZE - UNIT, SIZE, SIZE + UNIT, Long.MAX_VALUE - UNIT, Long.MIN_VALUE, -UNIT}) {
            assertEquals(EINVAL, client.ask(NbdSocket.READ, offset, 2 * UNIT), "READ at " + offset);
            assertEquals(EINVAL, client.ask(NbdSocket.TRIM, offset, 2 * UNIT), "TRIM at " + offset);
            assertEquals(ENOSPC, client.ask(NbdSocket.WRITE_ZEROES, offset, 2 * UNIT), "WRITE_ZEROES at " + offset);
            assertEquals(ENOSPC, client.write(offset, new byte[2 * UNIT]), "WRITE at " + offset);
        }
        assertEquals(EINVAL, client.ask(NbdSocket.TRIM, SIZE - UNIT, -1));
        assertEquals(ENOSPC, client.ask(NbdSocket.WRITE_ZEROES, 1, -1));
        staysInStep();
    }

    @Test
    void requestsOfNoBytesAreAnsweredAndDoNothing() throws IOException {
        for (int command : new int[] {NbdSocket.READ, NbdSocket.TRIM, NbdSocket.WRITE_ZEROES}) {
            client.ask(command, SIZE - UNIT, 0);
        }
        client.write(SIZE - UNIT, new byte[0]);
        staysInStep();
    }

    @Test
    void thirtyTwoMebibytesAreServedAndAByteMoreIsNot() throws IOException {
        byte[] most = new byte[MAX_PAYLOAD];
        new Random(2).nextBytes(most);
        assertEquals(0, client.write(0, most));
        assertArrayEquals(most, client.read(0, most.length));
        assertEquals(EINVAL, client.ask(NbdSocket.READ, 0, MAX_PAYLOAD + 1));
        assertEquals(EINVAL, client.write(0, new byte[MAX_PAYLOAD + 1]));
        assertArrayEquals(most, client.read(0, most.length), "a refused WRITE wrote something");
        staysInStep();
    }

    @Test
    void aPayloadOfFourGibibytesEndsTheConnection() throws IOException {
        client.header(NbdSocket.WRITE, 0, 0, -1);
        assertTrue(client.isHungUp());
    }

    @Test
    void aRequestWithoutTheMagicNumberEndsTheConnection() throws IOException {
        client.raw(new byte[28]);
        assertTrue(client.isHungUp());
    }

    @Test
    void anUnknownCommandIsAnErrorAndTheNextOneIsServed() throws IOException {
        for (int command : new int[] {8, 9, 200, 0xffff}) {
            assertEquals(EINVAL, client.ask(command, 0, UNIT), "command " + command);
        }
        staysInStep();
    }

    @Test
    void unknownFlagsOfACommandAreAnError() throws IOException {
        assertEquals(EINVAL, client.reply(client.header(NbdSocket.READ, 0x8000, 0, UNIT)));
        staysInStep();
    }

    @Test
    void anUnknownOptionIsRefusedWithItsWholePayload() throws IOException {
        try (NbdSocket haggler = NbdSocket.greeted(port)) {
            for (int length : new int[] {0, 1, 16 << 10, 64 << 10}) {
                haggler.optionHeader(0x7777, length);
                haggler.raw(new byte[length]);
                assertEquals(NbdSocket.ERR_UNSUP, haggler.optionReply(), "payload of " + length);
            }
            haggler.go();
            assertArrayEquals(DATA, haggler.read(SIZE - DATA.length, DATA.length));
        }
    }

    @Test
    void anOptionOverTheLimitEndsTheConnectionBeforeItIsSent() throws IOException {
        for (int length : new int[] {(64 << 10) + 1, Integer.MAX_VALUE, -1}) {
            for (int option : new int[] {NbdSocket.OPTION_GO, 0x7777}) {
                try (NbdSocket haggler = NbdSocket.greeted(port)) {
                    haggler.optionHeader(option, length);
                    assertTrue(haggler.isHungUp(), "option of " + Integer.toUnsignedLong(length));
                }
            }
        }
    }

    @Test
    void anOptionWithoutTheMagicNumberEndsTheConnection() throws IOException {
        try (NbdSocket haggler = NbdSocket.greeted(port)) {
            haggler.raw(new byte[16]);
            assertTrue(haggler.isHungUp());
        }
    }

    @Test
    void halfAnOptionAndSilenceIsCutOff() throws IOException {
        try (NbdSocket haggler = NbdSocket.greeted(port);
                NbdSocket mute = NbdSocket.connect(port)) {
            haggler.raw(new byte[] {'I', 'H', 'A', 'V'});
            assertTrue(haggler.isHungUp());
            assertTrue(mute.isHungUp());
        }
    }

    /** Idle is normal once an export is open: half a header may wait, and keeps nobody else waiting. */
    @Test
    void halfARequestAndSilenceIsWaitedFor() throws IOException {
        byte[] request = new byte[28];
        System.arraycopy(new byte[] {0x25, 0x60, (byte) 0x95, 0x13}, 0, request, 0, 4);
        request[7] = NbdSocket.FLUSH;
        client.raw(java.util.Arrays.copyOf(request, 13));
        // Longer than any handshake may take: the silent one that comes later is cut off first.
        try (NbdSocket mute = NbdSocket.connect(port)) {
            assertTrue(mute.isHungUp());
        }
        client.raw(java.util.Arrays.copyOfRange(request, 13, 28));
        assertEquals(0, client.reply(0));
        staysInStep();
    }
}

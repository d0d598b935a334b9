package io.blockseal.app.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** systemd learns when the daemon serves, and how long it may take to stop; whether it listens or not, it serves. */
class NotifySocketTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void needNativeCode() {
        assumeTrue(LocalDatagrams.possible(), "Netty's native code");
    }

    private static String received(Socket socket) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(4096);
        int length = socket.recvFromDomainSocket(datagram, 0, 4096).receivedAmount();
        byte[] bytes = new byte[length];
        datagram.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void saysItInDatagramsOfTheirOwn() throws Exception {
        Path path = directory.resolve("notify");
        Socket systemd = Socket.newSocketDomainDgram();
        try {
            systemd.bind(new DomainSocketAddress(path.toString()));
            NotifySocket notify = new NotifySocket(path.toString());
            notify.ready("serving 2 volumes");
            notify.reloading();
            notify.stopping(Duration.ofSeconds(85));
            assertEquals("READY=1\nSTATUS=serving 2 volumes", received(systemd));
            assertTrue(received(systemd).matches("RELOADING=1\nMONOTONIC_USEC=\\d+"));
            assertEquals("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=85000000", received(systemd));
        } finally {
            systemd.close();
        }
    }

    /** A container's service manager may listen at a name that is in no file system. */
    @Test
    void findsASocketWithoutAFile() throws Exception {
        String name = "blockseal-test-" + ProcessHandle.current().pid();
        Socket systemd = Socket.newSocketDomainDgram();
        try {
            systemd.bind(new DomainSocketAddress("\0" + name));
            new NotifySocket("@" + name).ready("serving 1 volume");
            assertEquals("READY=1\nSTATUS=serving 1 volume", received(systemd));
        } finally {
            systemd.close();
        }
    }

    @Test
    void worksWithNobodyToTell() {
        new NotifySocket(null).ready("serving 1 volume");
        new NotifySocket("").stopping(Duration.ZERO);
        new NotifySocket(directory.resolve("nobody").toString()).ready("serving 1 volume");
    }
}

package io.blockseal.app.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever reads the system's log gets whole lines; a system log that is away or stuck holds up nobody. */
class SyslogSocketTest {
    @TempDir
    private Path directory;

    private static String received(Socket socket) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(65536);
        int length =
                socket.recvFromDomainSocket(datagram, 0, datagram.capacity()).receivedAmount();
        byte[] bytes = new byte[length];
        datagram.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Socket listen(Path path) throws IOException {
        Socket listening = Socket.newSocketDomainDgram();
        listening.bind(new DomainSocketAddress(path.toString()));
        return listening;
    }

    @Test
    void sendsALineAsTheCLibraryDoesAlsoToOneThatCameBack() throws Exception {
        assumeTrue(Epoll.isAvailable(), "Netty's native code");
        Path path = directory.resolve("log");
        String head = "<85>blockseal[" + ProcessHandle.current().pid() + "]: ";
        try (SyslogSocket syslog = SyslogSocket.open(path)) {
            IOException away = assertThrows(IOException.class, () -> syslog.send("audit event=repair"));
            assertEquals("syslog socket " + path + ": nobody listens there", away.getMessage());
            for (int i = 0; i < 2; i++) {
                Socket listening = listen(path);
                syslog.send("audit event=repair volume=Größe.bsl");
                assertEquals(head + "audit event=repair volume=Größe.bsl", received(listening));
                syslog.send("x".repeat(20_000));
                assertEquals(head.length() + 20_000, received(listening).length());
                listening.close();
                Files.delete(path);
            }
        }
    }

    @Test
    void doesNotWaitForOneThatReadsNothing() throws Exception {
        assumeTrue(Epoll.isAvailable(), "Netty's native code");
        Path path = directory.resolve("log");
        Socket listening = listen(path);
        try (SyslogSocket syslog = SyslogSocket.open(path)) {
            int sent = 0;
            IOException stuck = null;
            while (stuck == null && sent < 100_000) {
                try {
                    syslog.send("audit event=repair number=" + sent);
                    sent++;
                } catch (IOException e) {
                    stuck = e;
                }
            }
            assertTrue(stuck != null && String.valueOf(stuck.getMessage()).contains("reads nothing"), "after " + sent);
            for (int i = 0; i < sent; i++) {
                assertTrue(received(listening).endsWith("number=" + i), "what was taken is whole and in order");
            }
        } finally {
            listening.close();
        }
    }
}

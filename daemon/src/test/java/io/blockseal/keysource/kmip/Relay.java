package io.blockseal.keysource.kmip;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Passes connections on to a port of this machine, so that a server is met under a name that is not its own. */
final class Relay {
    private Relay() {}

    /** Serves one connection after the other until the listener is closed. */
    static void toLocalhost(ServerSocket listener, int port) {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                Thread there = new Thread(() -> pump(client, server));
                there.setDaemon(true);
                there.start();
                Thread back = new Thread(() -> pump(server, client));
                back.setDaemon(true);
                back.start();
            }
        } catch (IOException closed) {
            // By the test.
        }
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException gone) {
            // One end has hung up: then so does the other.
        }
    }
}

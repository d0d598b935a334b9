package io.blockseal.app.host;

import io.blockseal.keysource.FileTrouble;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how far the daemon is, as a unit with {@code Type=notify} expects: one datagram of {@code NAME=VALUE}
 * lines a message to the socket that {@code $NOTIFY_SOCKET} names (sd_notify(3)). Without that variable nothing is said
 * to anybody. A message that does not get through is a warning and no more: the volumes are served all the same. For the
 * main thread.
 */
public final class NotifySocket {
    private static final Logger LOG = LoggerFactory.getLogger(NotifySocket.class);

    private final @Nullable String place;

    /** To that socket, or to nobody. */
    public NotifySocket(@Nullable String place) {
        this.place = place == null || place.isEmpty() ? null : place;
    }

    /** Clients can connect. */
    public void ready(String status) {
        tell("READY=1\nSTATUS=" + status);
    }

    /** The configuration is being loaded again; {@link #ready} follows. */
    public void reloading() {
        tell("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()));
    }

    /** The end has begun, and may take that long. */
    public void stopping(Duration atMost) {
        tell("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=" + TimeUnit.NANOSECONDS.toMicros(atMost.toNanos()));
    }

    private void tell(String message) {
        if (place == null) {
            return;
        }
        if (!LocalDatagrams.possible()) {
            LOG.warn("the service manager cannot be told how far we are: Netty's native code cannot be loaded here");
            return;
        }
        try (LocalDatagrams datagrams = LocalDatagrams.to(place)) {
            datagrams.send(message.getBytes(StandardCharsets.UTF_8));
        } catch (IOException refused) {
            LOG.warn("the service manager cannot be told how far we are, at {}: {}", place, FileTrouble.words(refused));
        }
    }
}

package io.blockseal.keysource.kmip;

import io.blockseal.keysource.Asked;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.Backoff;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Conversations with one server. Each has a connection of its own; one that fails for a reason that passes is begun again,
 * as {@link Backoff} has it. What we ask for changes nothing on the server, so it may be asked twice. From any thread but
 * one that serves I/O; blocks.
 */
final class KmipServer {
    /** What is asked in a conversation. */
    @FunctionalInterface
    interface Talk<T> {
        /** Asks; may be begun again. */
        T with(KmipSession session) throws KeySourceException, WrongKeyException, IOException;
    }

    private final KeyName place;
    private final Credentials credentials;
    private final Duration within;
    private final Backoff backoff;
    private final Addresses.Lookup lookup;
    /** What it speaks, once it has said so. */
    private final AtomicReference<@Nullable ProtocolVersion> spoken = new AtomicReference<>();

    KmipServer(KeyName place, Credentials credentials, Duration within, Backoff backoff, Addresses.Lookup lookup) {
        this.place = place;
        this.credentials = credentials;
        this.within = within;
        this.backoff = backoff;
        this.lookup = lookup;
    }

    /** Host and port. */
    String authority() {
        return place.authority();
    }

    /**
     * Has a conversation; {@code trace} hears what the server calls the last question.
     *
     * @throws KeySourceException if there is no answer, or none that helps
     */
    <T> T talk(Asked.Trace trace, Talk<T> talk) throws KeySourceException, WrongKeyException {
        long begun = backoff.clock().nowMillis();
        for (int failures = 1; ; failures++) {
            try {
                return once(trace, talk);
            } catch (PassingTrouble trouble) {
                long pause = backoff.pauseMillis(failures);
                if (backoff.clock().nowMillis() - begun + pause > backoff.budgetMillis()) {
                    throw trouble;
                }
                pause(pause);
            }
        }
    }

    private <T> T once(Asked.Trace trace, Talk<T> talk) throws KeySourceException, WrongKeyException {
        try (KmipConnection connection = KmipConnection.open(place, credentials, within, lookup)) {
            KmipSession session = new KmipSession(connection, credentials, authority(), spoken, trace);
            session.agreeOnVersion();
            return talk.with(session);
        } catch (IOException malformed) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    authority() + " has answered something else than was asked for: " + malformed.getMessage()
                            + ". Is that a KMIP server?");
        }
    }

    private void pause(long millis) throws KeySourceException {
        try {
            backoff.clock().pause(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    authority() + " was not asked again: we were interrupted while waiting",
                    interrupted);
        }
    }
}

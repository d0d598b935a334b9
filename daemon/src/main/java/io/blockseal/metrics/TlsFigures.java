package io.blockseal.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** How connections were protected, and how often that failed. From any thread. */
public final class TlsFigures {
    /**
     * Handshakes of one kind that succeeded.
     *
     * @param version of TLS, as in {@code TLSv1.3}
     * @param proof of the client: {@code none}, {@code certificate} or {@code psk}
     * @param count how many
     */
    public record Secured(String version, String proof, long count) {}

    private record Kind(String version, String proof) {}

    private final Map<Kind, LongAdder> secured = new ConcurrentHashMap<>();
    private final AtomicLongArray failures = new AtomicLongArray(TlsFailure.values().length);
    private final AtomicLongArray breaches = new AtomicLongArray(TlsBreach.values().length);
    private final LongAdder plain = new LongAdder();
    private volatile long certificateEndSeconds;

    /** A client has opened an export without TLS. */
    public void countPlain() {
        plain.increment();
    }

    /** A handshake succeeded. */
    public void countSecured(String version, String proof) {
        secured.computeIfAbsent(new Kind(version, proof), unused -> new LongAdder())
                .increment();
    }

    /** A handshake failed. */
    public void countFailure(TlsFailure reason) {
        failures.incrementAndGet(reason.ordinal());
    }

    /** A connection that TLS protected has been closed for what came over it. */
    public void countBreach(TlsBreach reason) {
        breaches.incrementAndGet(reason.ordinal());
    }

    /** When our certificate ends, in seconds of Unix time; 0 if there is none. */
    public void certificateEnds(long unixSeconds) {
        certificateEndSeconds = unixSeconds;
    }

    /** Likewise. */
    public long certificateEndSeconds() {
        return certificateEndSeconds;
    }

    /** How many clients have opened an export without TLS. */
    public long plain() {
        return plain.sum();
    }

    /** The handshakes that succeeded, by kind. */
    public List<Secured> secured() {
        List<Secured> all = new ArrayList<>();
        secured.forEach((kind, count) -> all.add(new Secured(kind.version, kind.proof, count.sum())));
        return all;
    }

    /** How often that was the reason. */
    public long failures(TlsFailure reason) {
        return failures.get(reason.ordinal());
    }

    /** How often that was the reason. */
    public long breaches(TlsBreach reason) {
        return breaches.get(reason.ordinal());
    }
}

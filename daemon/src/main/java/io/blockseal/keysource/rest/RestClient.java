package io.blockseal.keysource.rest;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Asks a server and has patience with it: what fails for a reason that passes (no connection, 408, 429, 5xx) is sent again
 * as {@link Backoff} has it, honouring {@code Retry-After}. Follows no redirect, since that would take a token elsewhere.
 * From any thread but one that serves I/O; blocks.
 */
public final class RestClient {
    /** No answer of a key source is larger. */
    public static final int BODY_BYTES_MAX = 1 << 20;

    /** What is said of a port where TLS is not spoken, after its name. */
    public static final String NO_TLS = " does not speak TLS there: see whether the port is the right one";

    private static final Set<Integer> PASSING = Set.of(408, 425, 429, 500, 502, 503, 504);
    /** Whoever asks again by itself does so later than this anyway. */
    private static final long REMEMBERED_MILLIS_MIN = 2_000;
    /** A slip in a server's configuration must not keep a volume locked for days. */
    private static final long REMEMBERED_MILLIS_MAX = 15 * 60_000;

    private final HttpClient http;
    private final Backoff backoff;
    private final Duration answerWithin;
    private final Predicate<RestResponse> passesAsWell;
    /** Until when the server wants to be left alone, on the clock of {@link #backoff}. */
    private final AtomicLong leftAloneUntil;

    /**
     * A client.
     *
     * @param connection with whom to speak and whom to trust
     * @param backoff how patient to be
     */
    public RestClient(RestConnection connection, Backoff backoff) {
        this(connection, backoff, unused -> false);
    }

    /** One that takes further answers for failures that pass, where a status does not say so; it leaves them open. */
    public RestClient(RestConnection connection, Backoff backoff, Predicate<RestResponse> passesAsWell) {
        this.passesAsWell = passesAsWell;
        this.http = connection.http();
        this.answerWithin = connection.answerWithin();
        this.backoff = backoff;
        this.leftAloneUntil = new AtomicLong(backoff.clock().nowMillis());
    }

    /**
     * The answer, which the caller closes: a good one, a definite refusal, or the last of several passing failures.
     *
     * @throws KeySourceException UNREACHABLE if there was no answer at all; THROTTLED, without asking, if the server has
     *     said before that it wants to be asked later
     */
    public RestResponse send(RestRequest request) throws KeySourceException {
        long begun = backoff.clock().nowMillis();
        long tooEarly = leftAloneUntil.get() - begun;
        if (tooEarly > 0) {
            throw new KeySourceException(
                    Kind.THROTTLED,
                    request.uri().getAuthority() + " has asked to be left alone for another " + (tooEarly + 999) / 1000
                            + " s");
        }
        int failures = 0;
        while (true) {
            KeySourceException trouble = null;
            RestResponse response = null;
            try {
                response = once(request);
            } catch (KeySourceException unreachable) {
                trouble = unreachable;
            }
            if (response != null && !PASSING.contains(response.status()) && !passesAsWell.test(response)) {
                return response;
            }
            failures++;
            long pause = Math.max(backoff.pauseMillis(failures), response == null ? 0 : retryAfterMillis(response));
            boolean enough = backoff.clock().nowMillis() - begun + pause > backoff.budgetMillis()
                    || (trouble != null && trouble.getCause() instanceof SSLException);
            if (enough && response != null) {
                leaveAlone(retryAfterMillis(response));
                return response;
            }
            if (enough && trouble != null) {
                throw trouble;
            }
            if (response != null) {
                response.close();
            }
            pause(request, pause);
        }
    }

    /** The next question may come from somebody who knows nothing of this answer. */
    private void leaveAlone(long millis) {
        if (millis >= REMEMBERED_MILLIS_MIN) {
            long until = backoff.clock().nowMillis() + Math.min(millis, REMEMBERED_MILLIS_MAX);
            leftAloneUntil.accumulateAndGet(until, Math::max);
        }
    }

    private void pause(RestRequest request, long millis) throws KeySourceException {
        try {
            backoff.clock().pause(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw unreachable(request, "we were interrupted while waiting to ask again", interrupted);
        }
    }

    /** What the server asks for, in seconds or as a date; 0 if it asks for nothing that makes sense. */
    static long retryAfterMillis(RestResponse response) {
        String asked = response.header("Retry-After").strip();
        if (asked.matches("\\d{1,6}")) {
            return Long.parseLong(asked) * 1000;
        }
        try {
            Instant until = ZonedDateTime.parse(asked, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            return Math.max(0, Duration.between(Instant.now(), until).toMillis());
        } catch (DateTimeParseException notADate) {
            return 0;
        }
    }

    private RestResponse once(RestRequest request) throws KeySourceException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(request.uri()).timeout(answerWithin);
        request.headers().forEach(builder::header);
        byte[] sent = request.body();
        builder.method(
                request.method(),
                sent == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(sent));
        // A server may send its header and then nothing more: only this limit covers the body, too.
        CappedBody body = new CappedBody(BODY_BYTES_MAX);
        CompletableFuture<HttpResponse<byte[]>> asked = http.sendAsync(builder.build(), unused -> body);
        boolean taken = false;
        try {
            HttpResponse<byte[]> answer = asked.get(answerWithin.toMillis(), TimeUnit.MILLISECONDS);
            taken = true;
            return new RestResponse(answer.statusCode(), answer.headers(), answer.body());
        } catch (TimeoutException late) {
            asked.cancel(true);
            throw unreachable(request, "has not answered within " + answerWithin.toMillis() + " ms", late);
        } catch (InterruptedException interrupted) {
            asked.cancel(true);
            Thread.currentThread().interrupt();
            throw unreachable(request, "was not waited for: we were interrupted", interrupted);
        } catch (ExecutionException failed) {
            Throwable cause = failed.getCause() == null ? failed : failed.getCause();
            throw unreachable(request, words(cause), cause);
        } finally {
            if (!taken) {
                // It may be on its way, or have arrived between the end of our patience and the cancelling.
                body.abandon();
            }
        }
    }

    /** Whether what came in the place of a handshake was something else, which JSSE tells by its words alone. */
    public static boolean isNoTls(Throwable deepest) {
        return deepest instanceof SSLException
                && String.valueOf(deepest.getMessage()).startsWith("Unsupported or unrecognized SSL message");
    }

    private static KeySourceException unreachable(RestRequest request, String what, Throwable cause) {
        return new KeySourceException(Kind.UNREACHABLE, request.uri().getAuthority() + " " + what, cause);
    }

    private String words(Throwable cause) {
        if (cause instanceof HttpTimeoutException) {
            return "has not answered within " + answerWithin.toMillis() + " ms";
        }
        if (isNoTls(deepestOf(cause))) {
            return NO_TLS.strip();
        }
        if (cause instanceof SSLException) {
            return "cannot be trusted, or does not trust us: " + deepest(cause)
                    + ". Name the authority that signed its certificate with ca-file=FILE, and check both clocks";
        }
        for (Throwable at = cause; at != null; at = at.getCause()) {
            if (at instanceof UnresolvedAddressException || at instanceof UnknownHostException) {
                return "has no address: check the name, and the resolver of this machine";
            }
        }
        if (cause instanceof ConnectException) {
            return "refuses connections, or is not there" + (cause.getMessage() == null ? "" : ": " + deepest(cause));
        }
        return cause instanceof IOException ? "cannot be reached: " + deepest(cause) : "cannot be reached: " + cause;
    }

    private static Throwable deepestOf(Throwable cause) {
        Throwable at = cause;
        while (at.getCause() != null && at.getCause() != at) {
            at = at.getCause();
        }
        return at;
    }

    private static @Nullable String deepest(Throwable cause) {
        Throwable at = deepestOf(cause);
        return at.getMessage() == null ? at.getClass().getSimpleName() : at.getMessage();
    }
}

package io.blockseal.keysource.vault;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One token for all that one source asks: obtained when it is first needed, renewed when two thirds of its lease are over,
 * and obtained anew if the server does not take it any more. From any thread; who comes while another one logs in waits for
 * that one's token.
 */
final class VaultSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VaultSession.class);
    private static final long RENEWAL_MILLIS_MIN = 500;

    private final VaultServer server;
    private final VaultIdentity identity;
    private final Backoff.Clock clock;
    /** Makes its thread when there is a lease to renew. */
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(
            1,
            task -> {
                Thread thread = new Thread(task, "key-source-vault");
                thread.setDaemon(true);
                return thread;
            },
            // What comes after the end.
            new ThreadPoolExecutor.DiscardPolicy());

    private volatile boolean closed;
    private volatile @Nullable VaultToken token;
    private @Nullable KeySourceException failure;
    private long failedAtMillis;
    private long expiresAtMillis = Long.MAX_VALUE;

    VaultSession(VaultServer server, VaultIdentity identity, Backoff.Clock clock) {
        this.server = server;
        this.identity = identity;
        this.clock = clock;
    }

    /**
     * Asks; the caller closes the answer. Only a server that knows our token says 403 in it.
     *
     * @throws KeySourceException UNREACHABLE if it does not take our token, whatever we do
     */
    RestResponse ask(String method, String path, byte @Nullable [] body) throws KeySourceException {
        VaultToken first = current();
        RestResponse answer = server.send(method, path, body, first.text());
        boolean doubted = answer.status() == 403 || answer.status() == 401;
        if (!doubted || !VaultServer.isInItsWords(answer)) {
            return answer;
        }
        answer.close();
        // It may have expired, or been revoked, which looks like a policy that refuses.
        VaultToken second = anew(first);
        answer = server.send(method, path, body, second.text());
        if (answer.status() == 403 && !second.known()) {
            String words = server.words(answer);
            answer.close();
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    server.name() + " does not take our token: " + words
                            + ". It may have expired; whoever keeps the token file has to replace it");
        }
        return answer;
    }

    private VaultToken current() throws KeySourceException {
        long begun = clock.nowMillis();
        synchronized (this) {
            return current(begun);
        }
    }

    private VaultToken current(long begun) throws KeySourceException {
        VaultToken known = token;
        boolean expired = identity.canLogIn() && clock.nowMillis() >= expiresAtMillis;
        if (known != null && !expired && !identity.hasReplaced(known)) {
            return known;
        }
        return obtain(begun);
    }

    private VaultToken anew(VaultToken refused) throws KeySourceException {
        long begun = clock.nowMillis();
        synchronized (this) {
            VaultToken known = token;
            return known == null || known.text().equals(refused.text()) ? obtain(begun) : known;
        }
    }

    /** For a question that has waited since {@code begun}: perhaps for another one, which has failed meanwhile. */
    private VaultToken obtain(long begun) throws KeySourceException {
        KeySourceException ofAnother = failure;
        if (ofAnother != null && failedAtMillis > begun) {
            throw new KeySourceException(ofAnother.kind(), String.valueOf(ofAnother.getMessage()), ofAnother);
        }
        token = null;
        try {
            VaultToken fresh = identity.obtain(server);
            keep(fresh);
            failure = null;
            return fresh;
        } catch (KeySourceException failed) {
            failure = failed;
            failedAtMillis = clock.nowMillis();
            throw failed;
        }
    }

    private void keep(VaultToken fresh) {
        token = closed ? null : fresh;
        long leaseMillis = TimeUnit.SECONDS.toMillis(fresh.leaseSeconds());
        expiresAtMillis = leaseMillis == 0 ? Long.MAX_VALUE : clock.nowMillis() + leaseMillis;
        if (leaseMillis > 0 && (fresh.renewable() || identity.canLogIn())) {
            renewIn(Math.max(RENEWAL_MILLIS_MIN, leaseMillis * 2 / 3), fresh);
        }
    }

    private void renewIn(long millis, VaultToken lease) {
        timer.getQueue().clear();
        timer.schedule(() -> renew(lease), millis, TimeUnit.MILLISECONDS);
    }

    /** On the timer's thread. The server is asked without the lock: questions go on under the old lease meanwhile. */
    private void renew(VaultToken lease) {
        try {
            VaultToken fresh = lease.renewable() ? renewed(lease) : identity.obtain(server);
            synchronized (this) {
                VaultToken known = token;
                if (known != null && known.text().equals(lease.text())) {
                    keep(fresh);
                }
            }
        } catch (KeySourceException passing) {
            synchronized (this) {
                if (closed) {
                    return;
                }
                long left = expiresAtMillis - clock.nowMillis();
                LOG.warn(
                        "{}: our token's lease could not be renewed, {} s are left: {}",
                        server.name(),
                        left / 1000,
                        passing.getMessage());
                VaultToken known = token;
                if (left > 0 && known != null && known.text().equals(lease.text())) {
                    renewIn(Math.max(1000, left / 3), lease);
                }
            }
        }
    }

    private VaultToken renewed(VaultToken lease) throws KeySourceException {
        byte[] nothing = "{}".getBytes(StandardCharsets.US_ASCII);
        try (RestResponse answer = server.send("POST", "auth/token/renew-self", nothing, lease.text())) {
            if (!answer.isOk() && identity.canLogIn() && answer.status() < 429) {
                return identity.obtain(server);
            }
            if (!answer.isOk()) {
                throw server.trouble("renewing our token", answer);
            }
            try (KeyReply reply = KeyReply.of(answer.body())) {
                long seconds = VaultServer.number(reply.textOrEmpty("auth.lease_duration"));
                // At the end of its longest life a renewal adds next to nothing.
                if (identity.canLogIn() && seconds < lease.leaseSeconds() / 2) {
                    return identity.obtain(server);
                }
                boolean again = reply.textOrEmpty("auth.renewable").equals("true");
                return new VaultToken(lease.text(), seconds, again, lease.known());
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        }
    }

    /** Forgets the token, which lives on until its lease is over. Waits for nobody who is being answered just now. */
    @Override
    public void close() {
        closed = true;
        token = null;
        timer.shutdownNow();
    }
}

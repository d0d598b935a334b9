package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.rest.Backoff;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The token for one kind of service, for all threads: one of them fetches a new one when two thirds of its time are over,
 * while the others go on with the old. If there is none, all wait for the one who asks, and hear from it if there is none
 * to be had.
 */
final class TokenCache {
    private static final long MARGIN_MILLIS_MAX = 60_000;
    private static final long PAUSE_MILLIS = 30_000;

    private record Held(String resource, String value, long refreshFrom, long goodUntil) {
        /** Without the token. */
        @Override
        public String toString() {
            return "token for " + resource + ", good until " + goodUntil;
        }
    }

    private record Failure(KeySourceException trouble, long at) {}

    private final Identity identity;
    private final Backoff.Clock clock;
    private final ReentrantLock fetching = new ReentrantLock();
    private volatile @Nullable Held held;
    /** Guarded by {@link #fetching}. */
    private @Nullable Failure failure;

    /** Nothing yet. */
    TokenCache(Identity identity, Backoff.Clock clock) {
        this.identity = identity;
        this.clock = clock;
    }

    /** A token that is good now. */
    String token(String resource) throws KeySourceException {
        long asked = clock.nowMillis();
        Held good = good(resource, asked);
        if (good == null) {
            fetching.lock();
        } else if (asked < good.refreshFrom || !fetching.tryLock()) {
            return good.value;
        }
        try {
            // Somebody else may have fetched one meanwhile.
            good = good(resource, asked);
            return good != null && asked < good.refreshFrom ? good.value : fetch(resource, asked, good);
        } finally {
            fetching.unlock();
        }
    }

    private String fetch(String resource, long asked, @Nullable Held old) throws KeySourceException {
        Failure others = failure;
        if (old == null && others != null && others.at > asked) {
            throw new KeySourceException(
                    others.trouble.kind(), String.valueOf(others.trouble.getMessage()), others.trouble);
        }
        try {
            AccessToken token = identity.fetch(resource);
            long now = clock.nowMillis();
            long life = token.lifeMillis();
            held = new Held(
                    resource, token.value(), now + life * 2 / 3, now + life - Math.min(MARGIN_MILLIS_MAX, life / 10));
            failure = null;
            return token.value();
        } catch (KeySourceException trouble) {
            long now = clock.nowMillis();
            if (old != null) {
                held = new Held(resource, old.value, now + PAUSE_MILLIS, old.goodUntil);
                return old.value;
            }
            failure = new Failure(trouble, now);
            throw trouble;
        }
    }

    private @Nullable Held good(String resource, long now) {
        Held one = held;
        return one != null && one.resource.equals(resource) && now < one.goodUntil ? one : null;
    }

    /** Forgets a token that was not accepted, unless another has taken its place. */
    void forget(String token) {
        fetching.lock();
        try {
            Held one = held;
            if (one != null && one.value.equals(token)) {
                held = null;
            }
        } finally {
            fetching.unlock();
        }
    }

    /** Whose tokens, for messages. */
    String words() {
        return identity.words();
    }
}

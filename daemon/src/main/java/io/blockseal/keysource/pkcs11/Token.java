package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.pkcs11.Functions.Function;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A token and our sessions on it, for all sources that have a key there: found by what the URI says of it, logged in to
 * once, and found and logged in to anew when it was pulled out or has forgotten us. From any thread; blocks for as long as
 * the module does.
 */
final class Token {
    /** Some have few; more at once would not be faster. */
    private static final int SESSIONS_MAX = 8;

    /** What is done in a session. */
    @FunctionalInterface
    interface Work<T> {
        /** Does it. The session may be in the middle of something if this throws. */
        T in(Cryptoki cryptoki, long session) throws CkException, KeySourceException, WrongKeyException;
    }

    /** Sessions since the last login; when the token forgets them, it forgets all of them. */
    private static final class Login {
        final Cryptoki functions;
        final TokenInfo token;
        final ArrayDeque<Long> idle = new ArrayDeque<>();

        Login(Cryptoki functions, TokenInfo token) {
            this.functions = functions;
            this.token = token;
        }
    }

    /** No token that is plugged in is the one that is meant. */
    private static final class AbsentException extends KeySourceException {
        AbsentException(String message) {
            super(Kind.UNREACHABLE, message);
        }
    }

    private final LoadedModule module;
    private final KeyUri uri;
    private final RefusedPins refused;
    private final Semaphore turns = new Semaphore(SESSIONS_MAX, true);

    private @Nullable Login login;

    Token(LoadedModule module, KeyUri uri, RefusedPins refused) {
        this.module = module;
        this.uri = uri;
        this.refused = refused;
    }

    /**
     * Does {@code work} in a session that is logged in. If the token turns out to be another than it was a moment ago, does
     * it once more from the beginning.
     *
     * @param asker whose key it is, for messages
     */
    <T> T use(String asker, @Nullable Pin pin, Work<T> work) throws KeySourceException, WrongKeyException {
        try {
            turns.acquire();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new KeySourceException(Kind.UNREACHABLE, asker + " was not waited for: we were interrupted");
        }
        try {
            return persist(asker, pin, work);
        } catch (CkException trouble) {
            throw trouble(trouble, asker);
        } finally {
            turns.release();
        }
    }

    private <T> T persist(String asker, @Nullable Pin pin, Work<T> work)
            throws CkException, KeySourceException, WrongKeyException {
        try {
            return attempt(asker, pin, work);
        } catch (AbsentException absent) {
            if (!module.beginAnew()) {
                throw absent;
            }
        } catch (CkException lost) {
            if (lost.ckr().kind() != Kind.UNREACHABLE) {
                throw lost;
            }
        }
        try {
            return attempt(asker, pin, work);
        } catch (AbsentException absent) {
            if (!module.beginAnew()) {
                throw absent;
            }
        }
        return attempt(asker, pin, work);
    }

    private <T> T attempt(String asker, @Nullable Pin pin, Work<T> work)
            throws CkException, KeySourceException, WrongKeyException {
        module.calling().lock();
        try {
            return attempt(module.cryptoki(asker), asker, pin, work);
        } finally {
            module.calling().unlock();
        }
    }

    private <T> T attempt(Cryptoki functions, String asker, @Nullable Pin pin, Work<T> work)
            throws CkException, KeySourceException, WrongKeyException {
        Login current = login(functions, asker, pin);
        long session = session(functions, current);
        boolean reusable = false;
        try {
            if (current.token.wantsLogin() && !functions.isLoggedIn(session)) {
                // It would not see the key, and we would take that for a key that somebody has deleted.
                throw new CkException(Function.C_GetSessionInfo, Ckr.USER_NOT_LOGGED_IN.code());
            }
            T result = work.in(functions, session);
            reusable = true;
            return result;
        } catch (CkException failed) {
            if (failed.ckr().kind() == Kind.UNREACHABLE) {
                forget(current);
            }
            throw failed;
        } catch (KeySourceException no) {
            if (no.kind() == Kind.REFUSED && !isThere(functions, current.token)) {
                // Its keys are as far away as it is itself; nobody has deleted them.
                forget(current);
                throw new CkException(Function.C_GetTokenInfo, Ckr.TOKEN_NOT_PRESENT.code());
            }
            throw no;
        } finally {
            if (!reusable || !keep(current, session)) {
                functions.closeSession(session);
            }
        }
    }

    /** The login in force, or a new one. Whoever comes meanwhile waits, so that a wrong PIN is tried by one of them. */
    private synchronized Login login(Cryptoki functions, String asker, @Nullable Pin pin)
            throws CkException, KeySourceException {
        Login current = login;
        if (current == null) {
            functions.initialize();
            current = new Login(functions, find(functions.tokens(), asker));
            long session = functions.openSession(current.token.slot());
            boolean open = false;
            try {
                if (current.token.wantsLogin()) {
                    logIn(functions, session, current.token, asker, pin);
                }
                open = true;
            } finally {
                if (!open) {
                    functions.closeSession(session);
                }
            }
            current.idle.push(session);
            login = current;
            module.loggedIn();
        }
        return current;
    }

    private boolean isThere(Cryptoki functions, TokenInfo token) throws CkException {
        return functions.tokens().stream().anyMatch(each -> each.slot() == token.slot() && uri.isOn(each));
    }

    private TokenInfo find(List<TokenInfo> tokens, String asker) throws KeySourceException {
        List<TokenInfo> fitting = tokens.stream().filter(uri::isOn).toList();
        if (fitting.size() == 1) {
            return fitting.get(0);
        }
        List<TokenInfo> listed = fitting.isEmpty() ? tokens : fitting;
        String there = listed.stream()
                .map(each -> "'" + each.label() + "' (serial " + each.serial() + ")")
                .collect(Collectors.joining(", "))
                .replaceAll("\\p{Cntrl}", "?");
        throw fitting.isEmpty()
                ? new AbsentException(
                        asker + ": there is no such token; there " + (there.isEmpty() ? "is none" : "are " + there))
                : new KeySourceException(
                        Kind.MISCONFIGURED, asker + ": several tokens are meant: " + there + "; add serial=");
    }

    private void logIn(Cryptoki functions, long session, TokenInfo token, String asker, @Nullable Pin pin)
            throws CkException, KeySourceException {
        if (!token.hasPin()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, asker + ": the token has no user PIN yet; give it one by its own tools");
        }
        if (pin == null) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    asker + ": the token wants a PIN: pin-source=/FILE, credential:NAME or fd:NUMBER");
        }
        if (token.locked() || token.lastTry()) {
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    asker + ": "
                            + (token.locked()
                                    ? "the PIN is locked after too many wrong ones; unlock it by the token's own tools"
                                    : "one more wrong PIN would lock the token, so we do not try. Log in once by the"
                                            + " token's own tools, then we go on"));
        }
        byte[] text = pin.read();
        try {
            if (refused.contains(token, text)) {
                throw new KeySourceException(
                        Kind.UNREACHABLE,
                        asker + ": the token has refused the PIN of " + pin.name()
                                + " before, and a wrong one is not tried twice. Put the right one there");
            }
            functions.login(session, text);
        } catch (CkException failed) {
            switch (failed.ckr()) {
                // A number of the vendor's own may mean anything; the tries that a token has left are not to be spent
                // on it.
                case PIN_INCORRECT, PIN_INVALID, PIN_LEN_RANGE, UNLISTED -> {
                    refused.add(token, text);
                    throw new KeySourceException(
                            Kind.UNREACHABLE,
                            asker + ": the token refuses the PIN of " + pin.name() + ": " + failed.getMessage()
                                    + "; it is not tried again. Put the right one there",
                            failed);
                }
                default -> throw failed;
            }
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    private long session(Cryptoki functions, Login current) throws CkException {
        synchronized (this) {
            Long idle = current.idle.poll();
            if (idle != null) {
                return idle;
            }
        }
        return functions.openSession(current.token.slot());
    }

    private synchronized boolean keep(Login current, long session) {
        if (login != current) {
            return false;
        }
        current.idle.push(session);
        return true;
    }

    private synchronized void forget(Login lost) {
        if (login == lost) {
            login = null;
            module.loggedOut();
        }
        lost.idle.forEach(lost.functions::closeSession);
        lost.idle.clear();
    }

    /** Logs out, unless somebody is still at work, who then does. */
    void close() {
        module.calling().lock();
        try {
            closeLogin();
        } finally {
            module.calling().unlock();
        }
    }

    private synchronized void closeLogin() {
        Login last = login;
        if (last != null) {
            forget(last);
        }
    }

    private KeySourceException trouble(CkException failed, String asker) {
        return new KeySourceException(
                failed.ckr().kind(),
                asker + ": the module " + module.path() + " fails: " + failed.getMessage(),
                failed);
    }
}

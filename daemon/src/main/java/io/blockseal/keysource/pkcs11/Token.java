package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.pkcs11.Functions.Function;
import java.io.IOException;
import java.nio.file.Path;
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
        final TokenInfo token;
        final ArrayDeque<Long> idle = new ArrayDeque<>();

        Login(TokenInfo token) {
            this.token = token;
        }
    }

    private final Path module;
    private final KeyUri uri;
    private final Functions.Loader loader;
    private final RefusedPins refused;
    private final Semaphore turns = new Semaphore(SESSIONS_MAX, true);

    private @Nullable Cryptoki cryptoki;
    private @Nullable Login login;

    Token(Path module, KeyUri uri, Functions.Loader loader, RefusedPins refused) {
        this.module = module;
        this.uri = uri;
        this.loader = loader;
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
            try {
                return attempt(asker, pin, work);
            } catch (CkException lost) {
                if (lost.ckr().kind() != Kind.UNREACHABLE) {
                    throw lost;
                }
                return attempt(asker, pin, work);
            }
        } catch (CkException trouble) {
            throw trouble(trouble, asker);
        } finally {
            turns.release();
        }
    }

    private <T> T attempt(String asker, @Nullable Pin pin, Work<T> work)
            throws CkException, KeySourceException, WrongKeyException {
        Cryptoki functions = functions(asker);
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
                forget(functions, current);
            }
            throw failed;
        } finally {
            if (!reusable || !keep(current, session)) {
                functions.closeSession(session);
            }
        }
    }

    private synchronized Cryptoki functions(String asker) throws KeySourceException {
        Cryptoki loaded = cryptoki;
        if (loaded == null) {
            try {
                // It is checked and loaded by one and the same name, which no link can bend in between.
                Path real = module.toRealPath();
                PrivateFile.requireUnchangeable(real);
                loaded = new Cryptoki(loader.load(real));
            } catch (IOException cannot) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        asker + ": the module " + module + " cannot be loaded: " + cannot.getMessage()
                                + ". Is module-path right, and the package installed that has it?",
                        cannot);
            }
            cryptoki = loaded;
        }
        return loaded;
    }

    /** The login in force, or a new one. Whoever comes meanwhile waits, so that a wrong PIN is tried by one of them. */
    private synchronized Login login(Cryptoki functions, String asker, @Nullable Pin pin)
            throws CkException, KeySourceException {
        Login current = login;
        if (current == null) {
            functions.initialize();
            current = new Login(find(functions.tokens(), asker));
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
        }
        return current;
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
                ? new KeySourceException(
                        Kind.UNREACHABLE,
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

    private synchronized void forget(Cryptoki functions, Login lost) {
        if (login == lost) {
            login = null;
        }
        lost.idle.forEach(functions::closeSession);
        lost.idle.clear();
    }

    /** Logs out, unless somebody is still at work, who then does. */
    synchronized void close() {
        if (login != null && cryptoki != null) {
            forget(cryptoki, login);
        }
    }

    private KeySourceException trouble(CkException failed, String asker) {
        return new KeySourceException(
                failed.ckr().kind(), asker + ": the module " + module + " fails: " + failed.getMessage(), failed);
    }
}

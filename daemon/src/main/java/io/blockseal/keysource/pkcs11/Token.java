package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.keysource.pkcs11.Functions.Function;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Lock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A token and our sessions on it, for all sources that have a key there: found by what the URI says of it, logged in to
 * once, and found and logged in to anew when it was pulled out or has forgotten us. From any thread; blocks for as long as
 * the module does.
 */
final class Token {
    private static final Logger LOG = LoggerFactory.getLogger(Token.class);

    /** Some have few; more at once would not be faster. */
    private static final int SESSIONS_MAX = 8;

    /** How often something is begun: once more if the token was lost, and once more after the module was begun anew. */
    private static final int ATTEMPTS = 3;

    private static final String TRIES_ARE_FEWER =
            ", as a wrong one was shown to it before. Put the right one there; if the token's PIN was changed, restart"
                    + " the daemon";

    private static final String PERHAPS_CHANGED =
            "; if it is the token's new one, restart the daemon: the module may know the old one until then";

    private static final String LOCKED =
            "the PIN is locked after too many wrong ones; unlock it by the token's own tools";

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
        final ProvenPin proven;
        final ArrayDeque<Long> idle = new ArrayDeque<>();

        Login(Cryptoki functions, TokenInfo token, ProvenPin proven) {
            this.functions = functions;
            this.token = token;
            this.proven = proven;
        }

        /** Whether that is known to be its PIN, or it wants none. */
        boolean isBy(Pin pin) {
            byte[] mark = proven.mark();
            return mark != null && pin.isAccepted(mark);
        }
    }

    /** No token that is plugged in is the one that is meant. */
    private static final class AbsentException extends KeySourceException {
        AbsentException(String message) {
            super(Kind.UNREACHABLE, message);
        }
    }

    /** We are logged in, but not by the PIN at hand. */
    private static final class OtherPinException extends WrongPinException {
        final Pin pin;

        OtherPinException(String message, Pin pin) {
            super(message);
            this.pin = pin;
        }
    }

    private final LoadedModule module;
    private final KeyUri uri;
    private final PinMemory pins;
    private final Semaphore turns = new Semaphore(SESSIONS_MAX, true);

    private @Nullable Login login;

    Token(LoadedModule module, KeyUri uri, PinMemory pins) {
        this.module = module;
        this.uri = uri;
        this.pins = pins;
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
        boolean renewed = false;
        int left = ATTEMPTS;
        while (true) {
            left--;
            try {
                return attempt(asker, pin, work);
            } catch (AbsentException absent) {
                if (left == 0 || !module.beginAnew()) {
                    throw absent;
                }
            } catch (OtherPinException other) {
                if (renewed) {
                    throw other;
                }
                renew(asker, other);
                renewed = true;
                left++;
            } catch (CkException lost) {
                if (left < ATTEMPTS - 1 || lost.ckr().kind() != Kind.UNREACHABLE) {
                    throw lost;
                }
            }
        }
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

    /**
     * The login in force, or a new one. To the token the process is one application: logged in once, it asks none of us for a
     * PIN. Each has to know it all the same, or it would be found out at the next start, or never.
     */
    private Login login(Cryptoki functions, String asker, @Nullable Pin pin) throws CkException, KeySourceException {
        Login before = inForce();
        if (before == null) {
            functions.initialize();
        }
        TokenInfo token = before == null ? find(functions.tokens(), asker) : before.token;
        if (!token.wantsLogin()) {
            return before == null ? enter(functions, asker, null, new byte[0]) : before;
        }
        if (before == null) {
            requireTries(token, asker);
        }
        Pin given = requirePin(asker, pin);
        if (before != null && before.isBy(given)) {
            return before;
        }
        // Without the monitor: a pipe may keep us waiting, and others are logged in.
        byte[] text = given.read();
        try {
            return enter(functions, asker, given, text);
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    private synchronized @Nullable Login inForce() {
        return login;
    }

    /** Whoever comes meanwhile waits, so that a wrong PIN is tried by one of them. */
    private synchronized Login enter(Cryptoki functions, String asker, @Nullable Pin pin, byte[] text)
            throws CkException, KeySourceException {
        Login current = login;
        if (current == null) {
            TokenInfo token = find(functions.tokens(), asker);
            return begin(functions, token, pins.proven(module, token), asker, pin, text);
        }
        if (pin != null) {
            byte[] mark = pins.mark(current.token, text);
            if (!current.proven.isOf(mark)) {
                requireNotRefused(mark, asker, pin);
                throw new OtherPinException(another(asker, pin) + TRIES_ARE_FEWER, pin);
            }
            accept(current, pin);
        }
        return current;
    }

    private static void accept(Login by, @Nullable Pin pin) {
        byte[] mark = by.proven.mark();
        if (pin != null && mark != null) {
            pin.accepted(mark);
        }
    }

    /** What is said of a PIN that may be right, now, or in a moment; nothing was shown to the token yet. */
    private static String another(String asker, Pin given) {
        return asker + ": the PIN of " + given.name()
                + " is another than the one by which this process is logged in to the token, and is not tried";
    }

    /** A new login, with a session; there is none in force. */
    private Login begin(
            Cryptoki functions, TokenInfo token, ProvenPin proven, String asker, @Nullable Pin pin, byte[] text)
            throws CkException, KeySourceException {
        long session = functions.openSession(token.slot());
        boolean open = false;
        try {
            if (token.wantsLogin()) {
                logIn(functions, session, token, proven, asker, requirePin(asker, pin), text);
            }
            open = true;
        } finally {
            if (!open) {
                functions.closeSession(session);
            }
        }
        Login begun = new Login(functions, token, proven);
        begun.idle.push(session);
        login = begun;
        module.loggedIn();
        accept(begun, pin);
        return begun;
    }

    /**
     * Logs out, and in by another PIN, as somebody may have changed it at the token and in the files. Only while nobody asks
     * the module anything: who is in the middle of a search would take what he no longer sees for a key that was deleted. If
     * the PIN turns out to be wrong, the next one who asks logs in again by his own.
     */
    private void renew(String asker, OtherPinException other) throws CkException, KeySourceException {
        byte[] text = other.pin.read();
        Lock alone = null;
        try {
            alone = module.alone();
            if (alone == null) {
                throw new KeySourceException(
                        Kind.UNREACHABLE,
                        another(asker, other.pin) + " while the module " + module.path()
                                + " does not come to an answer",
                        other);
            }
            renewAlone(module.cryptoki(asker), asker, other, text);
        } finally {
            Arrays.fill(text, (byte) 0);
            if (alone != null) {
                alone.unlock();
            }
        }
    }

    private synchronized void renewAlone(Cryptoki functions, String asker, OtherPinException other, byte[] text)
            throws CkException, KeySourceException {
        TokenInfo token = find(functions.tokens(), asker);
        ProvenPin proven = pins.proven(module, token);
        byte[] mark = pins.mark(token, text);
        if (proven.isOf(mark)) {
            return; // Somebody else has done it meanwhile.
        }
        requireNotRefused(mark, asker, other.pin);
        requireTries(token, asker);
        if (token.triesAreFewer()) {
            throw other;
        }
        Login last = login;
        if (last != null) {
            forget(last);
        }
        long session = functions.openSession(token.slot());
        try {
            functions.logout(session);
        } finally {
            functions.closeSession(session);
        }
        // SoftHSM reads a token's PIN when it is begun, and would refuse one that another process has set since.
        if (module.beginAnew()) {
            token = find(functions.tokens(), asker);
            if (token.triesAreFewer()) {
                throw other;
            }
        }
        try {
            begin(functions, token, proven, asker, other.pin, text);
        } catch (OtherPinException again) {
            // Whoever is logged in, it is not by us that he is.
            throw new CkException(Function.C_Login, Ckr.USER_ALREADY_LOGGED_IN.code());
        }
        LOG.info("source={}: logged in to the token anew, by the PIN of {}", asker, other.pin.name());
    }

    private static Pin requirePin(String asker, @Nullable Pin pin) throws KeySourceException {
        if (pin == null) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    asker + ": the token wants a PIN: pin-source=/FILE, credential:NAME or fd:NUMBER");
        }
        return pin;
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

    /** That a PIN may be shown to the token. */
    private static void requireTries(TokenInfo token, String asker) throws KeySourceException {
        if (!token.hasPin()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, asker + ": the token has no user PIN yet; give it one by its own tools");
        }
        if (token.locked() || token.lastTry()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    asker + ": "
                            + (token.locked()
                                    ? LOCKED
                                    : "one more wrong PIN would lock the token, so we do not try. Log in once by the"
                                            + " token's own tools; that lifts it"));
        }
    }

    private void logIn(
            Cryptoki functions, long session, TokenInfo token, ProvenPin proven, String asker, Pin given, byte[] text)
            throws CkException, KeySourceException {
        requireTries(token, asker);
        byte[] mark = pins.mark(token, text);
        requireNotRefused(mark, asker, given);
        if (token.triesAreFewer() && proven.mark() != null && !proven.isOf(mark)) {
            // Logged out meanwhile, perhaps; it is not the time to try another one all the same.
            throw new OtherPinException(another(asker, given) + TRIES_ARE_FEWER, given);
        }
        try {
            if (!proven.logIn(mark, () -> functions.login(session, text))) {
                throw new OtherPinException(another(asker, given) + TRIES_ARE_FEWER, given);
            }
        } catch (CkException failed) {
            throw refused(failed, mark, asker, given, proven.mark() != null);
        }
    }

    private void requireNotRefused(byte[] mark, String asker, Pin given) throws KeySourceException {
        PinMemory.Refusal before = pins.refusal(mark);
        String again = asker + ": the token has refused the PIN of " + given.name()
                + " before, and a wrong one is not tried twice. Put the right one there";
        if (before == PinMemory.Refusal.WRONG) {
            throw new WrongPinException(again + ", or restart the daemon if the token's PIN was changed since");
        }
        if (before == PinMemory.Refusal.UNKNOWN) {
            throw new KeySourceException(
                    Kind.UNREACHABLE, again + ", or restart the daemon if it was the token that was unwell");
        }
    }

    /** What a failed login means; a PIN that may have been the reason is remembered. */
    private KeySourceException refused(
            CkException failed, byte[] mark, String asker, Pin given, boolean anotherWasRight) throws CkException {
        String words = given.name() + ": " + failed.getMessage() + "; it is not tried again. ";
        switch (failed.ckr()) {
            case PIN_INCORRECT, PIN_INVALID, PIN_LEN_RANGE -> {
                pins.refused(mark, PinMemory.Refusal.WRONG);
                return new WrongPinException(
                        asker + ": the token refuses the PIN of " + words + "Put the right one there"
                                + (anotherWasRight ? PERHAPS_CHANGED : ""),
                        failed);
            }
            // A number of the vendor's own may mean anything; the tries that a token has left are not to be spent on
            // it.
            case UNLISTED -> {
                pins.refused(mark, PinMemory.Refusal.UNKNOWN);
                return new KeySourceException(
                        Kind.UNREACHABLE,
                        asker + ": the token does not take the PIN of " + words
                                + "Look up that number in the vendor's handbook; if it is not the PIN, restart the daemon"
                                + " once it is mended",
                        failed);
            }
            case PIN_LOCKED -> {
                return new KeySourceException(Kind.MISCONFIGURED, asker + ": " + LOCKED, failed);
            }
            default -> throw failed;
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

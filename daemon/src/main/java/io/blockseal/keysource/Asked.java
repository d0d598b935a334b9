package io.blockseal.keysource;

import io.blockseal.keysource.KeySourceContext.KeyUses;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Questions to one source outside the process: each is told to {@link KeyUses} once it has ended, whatever the end, with
 * what the source called it. From any thread.
 */
public final class Asked {
    /** What the answer says about itself, filled in by whoever asks as soon as it is known. On one thread. */
    public static final class Trace {
        private String version = "";
        private String requestId = "";

        /** The version of the KEK that is asked for or was answered. */
        public Trace version(String used) {
            version = used;
            return this;
        }

        /** What the source calls this question in its log. */
        public Trace requestId(String id) {
            requestId = id;
            return this;
        }
    }

    /** A question and its answer. */
    @FunctionalInterface
    public interface Question<T> {
        /** Asks. */
        T ask(Trace trace) throws KeySourceException, WrongKeyException;
    }

    private final KeyUses uses;
    private final String reference;

    /** Questions to the source at {@code reference}. */
    public Asked(KeyUses uses, String reference) {
        this.uses = uses;
        this.reference = reference;
    }

    /** Asks for a volume, or for none in particular if {@code binding} is null. */
    public <T> T ask(KeyUse.Operation operation, @Nullable Binding binding, Question<T> question)
            throws KeySourceException, WrongKeyException {
        Trace trace = new Trace();
        String outcome = "failed";
        try {
            T answer = question.ask(trace);
            outcome = "ok";
            return answer;
        } catch (KeySourceException trouble) {
            outcome = trouble.kind().name().toLowerCase(Locale.ROOT);
            throw trouble;
        } catch (WrongKeyException wrong) {
            outcome = "wrong-key";
            throw wrong;
        } finally {
            uses.used(new KeyUse(operation, reference, trace.version, trace.requestId, binding, outcome));
        }
    }

    /** Asks for a volume key to be wrapped; a source that answers that as if it were to open something refuses. */
    public WrappedKey askToWrap(Binding binding, Question<WrappedKey> question) throws KeySourceException {
        try {
            return ask(KeyUse.Operation.WRAP, binding, question);
        } catch (WrongKeyException odd) {
            throw new KeySourceException(KeySourceException.Kind.REFUSED, reference + ": " + odd.getMessage(), odd);
        }
    }

    /** Asks something that has nothing to do with a wrapped key. */
    public <T> T askAbout(KeyUse.Operation operation, Question<T> question) throws KeySourceException {
        try {
            return ask(operation, null, question);
        } catch (WrongKeyException impossible) {
            throw new IllegalStateException("no key was asked about", impossible);
        }
    }
}

package io.blockseal.volume.slot;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * What key sources have said about key slots during one opening, so that none is asked the same twice: several roots may
 * have the same slots, and each question to a service takes its time, is counted there, or shows a PIN to a token. Keys that
 * did not fit what was tried first stay here for what is tried next, and are wiped with it. On one thread.
 */
final class SlotAnswers implements AutoCloseable {
    /** All that an answer depends on; arrays as text, since they are compared. */
    private record Question(
            KeySource source,
            Binding binding,
            WrapAlgorithm algorithm,
            String reference,
            String version,
            String parameters,
            String blob) {
        static Question of(KeySource source, WrappedKey wrapped, Binding binding) {
            HexFormat hex = HexFormat.of();
            return new Question(
                    source,
                    binding,
                    wrapped.algorithm(),
                    wrapped.reference(),
                    wrapped.version(),
                    hex.formatHex(wrapped.parameters()),
                    hex.formatHex(wrapped.blob()));
        }
    }

    private final Map<Question, Secret> keys = new HashMap<>();
    private final Map<Question, KeySourceException> troubles = new HashMap<>();
    private final Map<Question, WrongKeyException> strangers = new HashMap<>();

    /** What the source says, or has said. The caller owns the key, and closes it or brings it back. */
    Secret unwrap(KeySource source, WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        Question question = Question.of(source, wrapped, binding);
        Secret kept = keys.remove(question);
        if (kept != null) {
            return kept;
        }
        KeySourceException trouble = troubles.get(question);
        if (trouble != null) {
            throw trouble;
        }
        WrongKeyException stranger = strangers.get(question);
        if (stranger != null) {
            throw stranger;
        }
        try {
            return source.unwrap(wrapped, binding);
        } catch (KeySourceException failed) {
            troubles.put(question, failed);
            throw failed;
        } catch (WrongKeyException another) {
            strangers.put(question, another);
            throw another;
        }
    }

    /** A key that {@link #unwrap} gave is not what was looked for this time. It belongs to this from now on. */
    void bringBack(KeySource source, WrappedKey wrapped, Binding binding, Secret key) {
        keys.put(Question.of(source, wrapped, binding), key);
    }

    @Override
    public void close() {
        keys.values().forEach(Secret::close);
        keys.clear();
    }
}

package io.blockseal.keysource.passphrase;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.SecretInput;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A passphrase: Argon2id makes the KEK of it, AES-256-KWP wraps ({@link WrapAlgorithm#ARGON2ID_KWP}). Its bytes are taken
 * as given, and asked for when first needed; they lie on the heap, as Argon2id does, until {@link #close()} wipes them. From any
 * thread, one question at a time.
 */
public final class PassphraseKeySource implements KeySource {
    private static final String REFERENCE = "passphrase:";

    private final CryptoEngine engine;
    private final SecretInput input;
    private final PassphrasePolicy policy;
    private byte @Nullable [] passphrase;
    /** Whether it has opened a slot: then it is no new passphrase, and to judge it comes too late. */
    private boolean inUse;

    /** A source that asks {@code input}, and makes new slots by {@code policy}. */
    public PassphraseKeySource(CryptoEngine engine, SecretInput input, PassphrasePolicy policy) {
        this.engine = engine;
        this.input = input;
        this.policy = policy;
    }

    @Override
    public String kind() {
        return "passphrase";
    }

    @Override
    public String reference() {
        return REFERENCE;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == WrapAlgorithm.ARGON2ID_KWP;
    }

    @Override
    public synchronized WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        byte[] given = passphrase();
        long characters = characters(given);
        if (characters < PassphrasePolicy.CHARACTERS_MIN && !policy.allowWeak() && !inUse) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "the passphrase has " + characters + " characters; at least " + PassphrasePolicy.CHARACTERS_MIN
                            + " are needed. Take some more words, or say --allow-weak-passphrase");
        }
        byte[] salt = new byte[Argon2Slot.SALT_BYTES];
        engine.fillRandom(salt);
        Argon2Slot slot = new Argon2Slot(cost(), salt);
        try (Secret kek = kek(given, slot)) {
            byte[] blob = engine.wrap().wrapKwp(kek.key(), volumeKey.key());
            return new WrappedKey(WrapAlgorithm.ARGON2ID_KWP, REFERENCE, "", slot.encode(), blob);
        }
    }

    @Override
    public synchronized Secret unwrap(WrappedKey wrapped, Binding binding)
            throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw new WrongKeyException("this key slot is not a passphrase's");
        }
        // Before the passphrase is asked for: a slot that cannot be opened should cost nobody any typing.
        Argon2Slot slot = Argon2Slot.decode(wrapped.parameters());
        Secret volumeKey = Secret.empty(engine.keys());
        boolean opened = false;
        try (Secret kek = kek(passphrase(), slot)) {
            opened = engine.wrap().unwrapKwp(kek.key(), wrapped.blob(), volumeKey.key());
        } finally {
            if (!opened) {
                volumeKey.close();
            }
        }
        if (!opened) {
            throw new WrongKeyException("the passphrase is wrong");
        }
        inUse = true;
        return volumeKey;
    }

    @Override
    public String whyIndestructible() {
        return "a passphrase is destroyed when nobody knows it any more, nor has it written down";
    }

    @Override
    public synchronized void close() {
        byte[] held = passphrase;
        passphrase = null;
        if (held != null) {
            Arrays.fill(held, (byte) 0);
        }
    }

    private byte[] passphrase() throws KeySourceException {
        byte[] held = passphrase;
        if (held == null) {
            held = input.read();
            if (held.length == 0 || held.length > SecretInput.LENGTH_MAX) {
                Arrays.fill(held, (byte) 0);
                throw new KeySourceException(
                        Kind.MISCONFIGURED, "a passphrase has 1 to " + SecretInput.LENGTH_MAX + " bytes");
            }
            passphrase = held;
        }
        return held;
    }

    private Argon2Cost cost() throws KeySourceException {
        Argon2Cost chosen = policy.cost();
        if (chosen == null) {
            return Argon2Cost.calibrated(policy.target(), PassphraseKeySource::nanosAt);
        }
        chosen.requireForNewSlot();
        return chosen;
    }

    private static long nanosAt(Argon2Cost cost) throws KeySourceException {
        long start = System.nanoTime();
        Argon2id.derive(
                new byte[1],
                new Argon2Slot(cost, new byte[Argon2Slot.SALT_BYTES]),
                Runtime.getRuntime().maxMemory());
        return System.nanoTime() - start;
    }

    private Secret kek(byte[] given, Argon2Slot slot) throws KeySourceException {
        byte[] derived = Argon2id.derive(given, slot, Runtime.getRuntime().maxMemory());
        Secret kek = Secret.empty(engine.keys());
        try {
            engine.keys().put(kek.key(), ByteBuffer.wrap(derived));
            return kek;
        } finally {
            Arrays.fill(derived, (byte) 0);
        }
    }

    /** UTF-8 characters, by counting the bytes that begin one. */
    private static long characters(byte[] utf8) {
        long count = 0;
        for (byte b : utf8) {
            if ((b & 0xc0) != 0x80) {
                count++;
            }
        }
        return count;
    }
}

package io.blockseal.keysource.recovery;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.HkdfKek;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SecretInput;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A recovery key, either fresh, to be shown once, or typed in by somebody who has it on paper. It opens a volume only
 * when asked for by name (slot priority 0). On one thread at a time.
 */
public final class RecoveryKeySource implements KeySource {
    private static final String REFERENCE = "recovery:";

    private final CryptoEngine engine;
    private final HkdfKek keks;
    private final @Nullable SecretInput input;
    private @Nullable Secret secret;

    private RecoveryKeySource(CryptoEngine engine, @Nullable SecretInput input, @Nullable Secret secret) {
        this.engine = engine;
        this.keks = new HkdfKek(engine, HkdfKek.LABEL_RECOVERY);
        this.input = input;
        this.secret = secret;
    }

    /** A fresh random key; {@link #show} it before it is closed. */
    public static RecoveryKeySource generate(CryptoEngine engine) {
        return new RecoveryKeySource(engine, null, Secret.random(engine.keys(), RecoveryText.KEY_BYTES));
    }

    /** A key that is typed, or read, when it is first needed. */
    public static RecoveryKeySource typed(CryptoEngine engine, SecretInput input) {
        return new RecoveryKeySource(engine, input, null);
    }

    /** The key as its owner must write it down: eight groups of eight characters. The caller wipes the array. */
    public char[] show() throws KeySourceException {
        ByteBuffer bytes = ByteBuffer.allocateDirect(RecoveryText.KEY_BYTES);
        char[] text = new char[RecoveryText.LENGTH];
        try {
            engine.keys().copyOut(secret().key(), SecretAccess.SHOW_RECOVERY_KEY, bytes);
            RecoveryText.write(bytes, text);
            return text;
        } finally {
            wipe(bytes);
        }
    }

    @Override
    public String kind() {
        return "recovery";
    }

    @Override
    public String reference() {
        return REFERENCE;
    }

    @Override
    public int slotPriority() {
        return 0;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == WrapAlgorithm.HKDF_KWP
                && wrapped.reference().startsWith(REFERENCE);
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        byte[] blob = keks.wrap(secret(), volumeKey, binding);
        return new WrappedKey(WrapAlgorithm.HKDF_KWP, REFERENCE, "", new byte[0], blob);
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        Secret volumeKey = mayOpen(wrapped) ? keks.unwrap(secret(), wrapped.blob(), binding) : null;
        if (volumeKey == null) {
            throw new WrongKeyException("the recovery key is typed correctly, but is another volume's");
        }
        return volumeKey;
    }

    @Override
    public String whyIndestructible() {
        return "a recovery key is on paper, or wherever its owner keeps it; destroy it there";
    }

    @Override
    public void close() {
        Secret held = secret;
        secret = null;
        if (held != null) {
            held.close();
        }
    }

    private Secret secret() throws KeySourceException {
        Secret held = secret;
        if (held == null) {
            if (input == null) {
                throw new IllegalStateException("the recovery key was closed");
            }
            held = read(input);
            secret = held;
        }
        return held;
    }

    private Secret read(SecretInput typed) throws KeySourceException {
        byte[] text = typed.read();
        ByteBuffer bytes = ByteBuffer.allocateDirect(RecoveryText.KEY_BYTES);
        try {
            RecoveryText.read(text, bytes);
            Secret read = Secret.empty(engine.keys());
            engine.keys().put(read.key(), bytes);
            return read;
        } finally {
            Arrays.fill(text, (byte) 0);
            wipe(bytes);
        }
    }

    private static void wipe(ByteBuffer bytes) {
        for (int i = 0; i < bytes.capacity(); i++) {
            bytes.put(i, (byte) 0);
        }
    }
}

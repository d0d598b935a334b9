package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;

/**
 * A KEK with versions, as a key vault has them: it wraps by the newest and unwraps by all that are enabled. It can be
 * told to misbehave as a broken or a lying service would.
 */
public final class VersionedTestKeySource implements KeySource {
    /** What it does when it is asked to unwrap. */
    public enum Manner {
        /** What it should. */
        HONEST,
        /** It answers with some other 32 bytes. */
        WRONG_BYTES,
        /** It says that the key is another. */
        REFUSES
    }

    private final CryptoEngine engine;
    private final int firstFill;
    private int version = 1;
    private int oldestEnabled = 1;
    private Manner manner = Manner.HONEST;
    private boolean unreachable;
    private int versionQuestions;
    private int rewraps;

    public VersionedTestKeySource(CryptoEngine engine, int firstFill) {
        this.engine = engine;
        this.firstFill = firstFill;
    }

    /** Makes a new version at the source. */
    public VersionedTestKeySource advance() {
        version++;
        return this;
    }

    /** Disables every version before the newest. */
    public VersionedTestKeySource disableOld() {
        oldestEnabled = version;
        return this;
    }

    public VersionedTestKeySource unwrapping(Manner how) {
        manner = how;
        return this;
    }

    /** Whether nobody gets an answer. */
    public VersionedTestKeySource reachable(boolean answers) {
        unreachable = !answers;
        return this;
    }

    /** How often it was asked for its newest version. */
    public int versionQuestions() {
        return versionQuestions;
    }

    /** How often it was let wrap anew what it had wrapped. */
    public int rewraps() {
        return rewraps;
    }

    @Override
    public WrappedKey rewrap(WrappedKey old, Secret volumeKey, Binding binding) throws KeySourceException {
        rewraps++;
        return wrap(volumeKey, binding);
    }

    @Override
    public String kind() {
        return "transit";
    }

    @Override
    public String reference() {
        return "vault:test-" + firstFill;
    }

    @Override
    public int slotPriority() {
        return 1;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.reference().equals(reference());
    }

    @Override
    public String newestVersion() throws KeySourceException {
        versionQuestions++;
        requireReachable();
        return Integer.toString(version);
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        requireReachable();
        try (Secret kek = kek(version)) {
            byte[] blob = engine.wrap().wrapKwp(kek.key(), volumeKey.key());
            return new WrappedKey(WrapAlgorithm.OPAQUE, reference(), Integer.toString(version), new byte[0], blob);
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        requireReachable();
        if (manner == Manner.WRONG_BYTES) {
            return Secret.random(engine.keys(), 32);
        }
        int of = Integer.parseInt(wrapped.version());
        Secret volumeKey = Secret.empty(engine.keys());
        try (Secret kek = kek(of)) {
            boolean enabled = of >= oldestEnabled && manner == Manner.HONEST;
            if (enabled && engine.wrap().unwrapKwp(kek.key(), wrapped.blob(), volumeKey.key())) {
                return volumeKey;
            }
        }
        volumeKey.close();
        throw new WrongKeyException("test vault: version " + of + " does not open it");
    }

    @Override
    public void close() {}

    private void requireReachable() throws KeySourceException {
        if (unreachable) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, "test vault: not reached");
        }
    }

    private Secret kek(int of) {
        Secret kek = Secret.empty(engine.keys());
        ByteBuffer bytes = ByteBuffer.allocateDirect(32);
        while (bytes.hasRemaining()) {
            bytes.put((byte) (firstFill + of));
        }
        engine.keys().put(kek.key(), bytes.flip());
        return kek;
    }
}

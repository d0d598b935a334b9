package io.blockseal.keysource.kmip;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Asked;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.HkdfKek;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeyUse.Operation;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.kmip.WrappedBlob.Sealed;
import java.io.IOException;

/**
 * An AES key on a KMIP server. A fresh random secret is enciphered there; the volume key is wrapped here, by KWP under what
 * HKDF makes of that secret and the volume. So the server never sees a volume key, and a slot does not open for another
 * volume, nor after it was altered, whichever mode the server enciphers by. The version of the KEK is the Unique
 * Identifier of the key that enciphered. From any thread but one that serves I/O; blocks.
 */
final class KmipKeySource implements KeySource {
    private final String reference;
    private final KmipServer server;
    private final KeyFinder finder;
    private final ServerCipher cipher;
    private final CryptoEngine engine;
    private final HkdfKek kek;
    private final Asked asked;

    KmipKeySource(String reference, KeyName name, KmipServer server, ServerCipher cipher, KeySourceContext context) {
        this.reference = reference;
        this.server = server;
        this.finder = new KeyFinder(name, reference);
        this.cipher = cipher;
        this.engine = context.engine();
        this.kek = new HkdfKek(engine, HkdfKek.LABEL_KMIP);
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "kmip";
    }

    @Override
    public String reference() {
        return reference;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.isOpaqueOf(reference);
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(
                Operation.VERSION,
                trace -> server.talk(trace, session -> {
                    String id = finder.newest(session).id();
                    trace.version(id);
                    return id;
                }));
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(
                binding,
                trace -> server.talk(trace, session -> {
                    KeyObject key = finder.newest(session);
                    trace.version(key.id());
                    byte[] blob = wrap(new ServerKey(session, key.id(), engine), volumeKey, binding);
                    return new WrappedKey(WrapAlgorithm.OPAQUE, reference, key.id(), new byte[0], blob);
                }));
    }

    private byte[] wrap(ServerKey key, Secret volumeKey, Binding binding) throws KeySourceException, IOException {
        key.requireMode(cipher, reference);
        try (Secret secret = Secret.random(engine.keys(), WrappedBlob.SECRET_BYTES)) {
            Sealed sealed = key.encrypt(cipher, secret, binding);
            return new WrappedBlob(cipher, kek.wrap(secret, volumeKey, binding), sealed).encode();
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        WrappedBlob blob = WrappedBlob.decode(wrapped.blob());
        if (blob == null) {
            throw wrongKey();
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            return server.talk(
                    trace, session -> unwrap(new ServerKey(session, wrapped.version(), engine), blob, binding));
        });
    }

    private Secret unwrap(ServerKey key, WrappedBlob blob, Binding binding)
            throws KeySourceException, WrongKeyException, IOException {
        key.requireMode(blob.cipher(), reference);
        try (Secret secret = key.decrypt(blob.cipher(), blob.sealed(), binding)) {
            Secret volumeKey = secret == null ? null : kek.unwrap(secret, blob.wrappedKey(), binding);
            if (volumeKey == null) {
                throw wrongKey();
            }
            return volumeKey;
        }
    }

    private WrongKeyException wrongKey() {
        return new WrongKeyException(
                reference + " does not open this slot: it was wrapped by another key, for another volume, or altered");
    }

    /** Holds nothing: each conversation has ended. */
    @Override
    public void close() {}
}

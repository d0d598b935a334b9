package io.blockseal.keysource.pkcs11;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.Asked;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse.Operation;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.shim.OffHeap;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An AES key on a PKCS#11 token, which enciphers volume keys by AES-GCM and never shows itself. The version of a KEK is its
 * {@code CKA_ID}: a new key that takes the name over is a newer version, and the old one still opens what it wrapped,
 * whatever it is called by then. From any thread but one that serves I/O; blocks.
 */
final class Pkcs11KeySource implements KeySource {
    private static final Logger LOG = LoggerFactory.getLogger(Pkcs11KeySource.class);

    /** In front of the volume's UUID, so that nothing else that this key enciphers can be taken for a volume key. */
    private static final byte[] LABEL = "blockseal/v1/kek/pkcs11".getBytes(StandardCharsets.US_ASCII);

    private static final int KEY_BYTES = 32;
    private static final int KEY_BITS = 256;
    private static final int KEY_BYTES_MAX = 64;
    private static final int CIPHERED_BYTES = KEY_BYTES + Cryptoki.TAG_BYTES;
    private static final int BLOB_BYTES = Cryptoki.IV_BYTES + CIPHERED_BYTES;
    /** A key slot has 64 characters for the version. */
    private static final int ID_BYTES_MAX = 32;

    private final KeyUri uri;
    private final Tokens tokens;
    private final Token token;
    private final Path module;
    private final @Nullable Pin pin;
    private final boolean allowExtractable;
    private final CryptoEngine engine;
    private final Asked asked;
    private final AtomicBoolean warned = new AtomicBoolean();
    private final AtomicBoolean warnedOfLength = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();

    Pkcs11KeySource(
            KeyUri uri,
            Tokens tokens,
            Path module,
            @Nullable Pin pin,
            boolean allowExtractable,
            KeySourceContext context) {
        this.uri = uri;
        this.tokens = tokens;
        this.token = tokens.lease(module, uri);
        this.module = module;
        this.pin = pin;
        this.allowExtractable = allowExtractable;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), uri.reference());
    }

    @Override
    public String kind() {
        return "pkcs11";
    }

    @Override
    public String reference() {
        return uri.reference();
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.isOpaqueOf(reference());
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(
                Operation.VERSION,
                trace -> token.use(reference(), pin, (cryptoki, session) -> {
                    String version = version(cryptoki, session, named(cryptoki, session));
                    trace.version(version);
                    return version;
                }));
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(
                binding,
                trace -> token.use(reference(), pin, (cryptoki, session) -> {
                    long key = named(cryptoki, session);
                    String version = version(cryptoki, session, key);
                    trace.version(version);
                    requireHidden(cryptoki, session, key);
                    requireLong(cryptoki, session, key);
                    return new WrappedKey(
                            WrapAlgorithm.OPAQUE,
                            reference(),
                            version,
                            new byte[0],
                            encrypt(cryptoki, session, key, volumeKey, binding));
                }));
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped) || wrapped.blob().length != BLOB_BYTES) {
            throw WrongKeyException.notWrappedBy(reference(), wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            return token.use(reference(), pin, (cryptoki, session) -> {
                long key = wrapped.version().isEmpty()
                        ? named(cryptoki, session)
                        : ofVersion(cryptoki, session, wrapped.version());
                warnUnlessHidden(cryptoki, session, key);
                Secret volumeKey = decrypt(cryptoki, session, key, wrapped.blob(), binding);
                warnUnlessLong(cryptoki, session, key);
                return volumeKey;
            });
        });
    }

    /** The one key that the URI names. */
    private long named(Cryptoki cryptoki, long session) throws CkException, KeySourceException {
        List<Long> keys = cryptoki.find(session, uri.template());
        if (keys.isEmpty()) {
            throw new KeySourceException(
                    Kind.REFUSED, reference() + ": there is no such AES key on the token, or this user may not see it");
        }
        if (keys.size() > 1) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference()
                            + ": the token has several AES keys of that name. Add id=%01 for one of them, or give the"
                            + " others another name (p11tool --list-all shows names and ids, p11tool --set-label"
                            + " renames)");
        }
        return keys.get(0);
    }

    /** The key with that {@code CKA_ID}; of several the one that still has the name. */
    private long ofVersion(Cryptoki cryptoki, long session, String version) throws CkException, KeySourceException {
        byte[] id;
        try {
            id = HexFormat.of().parseHex(version);
        } catch (IllegalArgumentException odd) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference() + ": '" + version + "' in the key slot is not the id of a key",
                    odd);
        }
        List<Long> keys = cryptoki.find(session, KeyUri.templateOf(id));
        if (keys.isEmpty()) {
            throw new KeySourceException(
                    Kind.REFUSED,
                    reference() + ": the AES key with the id " + version
                            + " is no longer on the token, or this user may not see it");
        }
        return keys.size() == 1 ? keys.get(0) : named(cryptoki, session);
    }

    private String version(Cryptoki cryptoki, long session, long key) throws CkException, KeySourceException {
        byte[] id = cryptoki.attribute(session, key, Template.ID);
        if (id.length > ID_BYTES_MAX) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference() + ": its CKA_ID has " + id.length + " bytes, and a key slot has room for "
                            + ID_BYTES_MAX);
        }
        return HexFormat.of().formatHex(id);
    }

    /** A volume key is wrapped only by a key that nobody can take off the token; what is wrapped already must open. */
    private void requireHidden(Cryptoki cryptoki, long session, long key) throws CkException, KeySourceException {
        String open = howOpen(cryptoki, session, key);
        if (!open.isEmpty() && !allowExtractable) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference() + ": the key " + open + ", so it can leave the token. Make one that cannot, or say"
                            + " allow-extractable=true");
        }
    }

    private void warnUnlessHidden(Cryptoki cryptoki, long session, long key) throws CkException {
        if (allowExtractable) {
            return;
        }
        String open = howOpen(cryptoki, session, key);
        if (!open.isEmpty() && !warned.getAndSet(true)) {
            LOG.warn(
                    "source={}: the key {}, so it can leave the token; rotate-kek to one that cannot",
                    reference(),
                    open);
        }
    }

    private static String howOpen(Cryptoki cryptoki, long session, long key) throws CkException {
        if (cryptoki.flag(session, key, Template.EXTRACTABLE)) {
            return "is extractable";
        }
        return cryptoki.flag(session, key, Template.SENSITIVE) ? "" : "is not sensitive";
    }

    /** Likewise only by an AES-256 key: a volume is not safer than the key that its own lies under. */
    private void requireLong(Cryptoki cryptoki, long session, long key) throws CkException, KeySourceException {
        int bits = bits(cryptoki, session, key);
        if (bits < 0) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference() + ": the token does not say how long the key is, and volume keys are wrapped by AES-256"
                            + " alone");
        }
        if (bits != KEY_BITS) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference() + ": the key is an AES-" + bits + " key, and volume keys are wrapped by AES-256 alone."
                            + " Make one of 32 bytes (pkcs11-tool: --key-type AES:32), or name another");
        }
    }

    private void warnUnlessLong(Cryptoki cryptoki, long session, long key) {
        int bits;
        try {
            bits = bits(cryptoki, session, key);
        } catch (CkException untold) {
            return; // What is wrapped already has opened, and that is what was asked for.
        }
        if (bits >= 0 && bits != KEY_BITS && !warnedOfLength.getAndSet(true)) {
            LOG.warn(
                    "source={}: the key is an AES-{} key, by which nothing is wrapped any more; rotate-kek to an AES-256"
                            + " key",
                    reference(),
                    bits);
        }
    }

    /** Negative if the token gives none, or a length that no AES key has. */
    private static int bits(Cryptoki cryptoki, long session, long key) throws CkException {
        long bytes = cryptoki.number(session, key, Template.VALUE_LEN);
        return bytes > 0 && bytes <= KEY_BYTES_MAX ? (int) bytes * Byte.SIZE : -1;
    }

    private byte[] encrypt(Cryptoki cryptoki, long session, long key, Secret volumeKey, Binding binding)
            throws CkException {
        OffHeap iv = randomIv();
        OffHeap ciphered = OffHeap.allocate(CIPHERED_BYTES);
        OffHeap plain = OffHeap.allocate(KEY_BYTES);
        try {
            engine.keys().copyOut(volumeKey.key(), SecretAccess.WRAP_AT_SOURCE, plain.buffer());
            int written = cryptoki.encrypt(session, key, iv, aad(binding), plain, ciphered);
            requireLength(Functions.Function.C_Encrypt, written, CIPHERED_BYTES);
        } finally {
            plain.wipe();
        }
        return ByteBuffer.allocate(BLOB_BYTES)
                .put(iv.get(0, Cryptoki.IV_BYTES))
                .put(ciphered.get(0, CIPHERED_BYTES))
                .array();
    }

    private Secret decrypt(Cryptoki cryptoki, long session, long key, byte[] blob, Binding binding)
            throws CkException, WrongKeyException {
        OffHeap iv = OffHeap.allocate(Cryptoki.IV_BYTES).put(0, Arrays.copyOf(blob, Cryptoki.IV_BYTES));
        OffHeap ciphered =
                OffHeap.allocate(CIPHERED_BYTES).put(0, Arrays.copyOfRange(blob, Cryptoki.IV_BYTES, BLOB_BYTES));
        // Some modules want room for the tag as well.
        OffHeap plain = OffHeap.allocate(CIPHERED_BYTES);
        try {
            int written = cryptoki.decrypt(session, key, iv, aad(binding), ciphered, plain);
            requireLength(Functions.Function.C_Decrypt, written, KEY_BYTES);
            Secret volumeKey = Secret.empty(engine.keys());
            engine.keys().put(volumeKey.key(), plain.buffer().limit(KEY_BYTES));
            return volumeKey;
        } catch (CkException failed) {
            if (isWrongKey(failed.ckr()) || (mayBeWrongKey(failed.ckr()) && works(cryptoki, session, key))) {
                throw new WrongKeyException(
                        reference() + ": the key on the token is not the one that wrapped this slot, or"
                                + " the slot was altered, or it is another volume's");
            }
            throw failed;
        } finally {
            plain.wipe();
        }
    }

    private static boolean isWrongKey(Ckr ckr) {
        return ckr == Ckr.AEAD_DECRYPT_FAILED
                || ckr == Ckr.ENCRYPTED_DATA_INVALID
                || ckr == Ckr.ENCRYPTED_DATA_LEN_RANGE
                || ckr == Ckr.DATA_INVALID;
    }

    /** What some modules, SoftHSM for one, say of a tag that does not fit, and of a disk that is broken. */
    private static boolean mayBeWrongKey(Ckr ckr) {
        return ckr == Ckr.GENERAL_ERROR || ckr == Ckr.FUNCTION_FAILED;
    }

    /** Whether the token opens with this key what it has just closed with it: then it is the blob that is wrong. */
    private boolean works(Cryptoki cryptoki, long session, long key) {
        OffHeap iv = randomIv();
        OffHeap aad = OffHeap.allocate(1);
        OffHeap plain = OffHeap.allocate(KEY_BYTES);
        OffHeap ciphered = OffHeap.allocate(CIPHERED_BYTES);
        OffHeap again = OffHeap.allocate(CIPHERED_BYTES);
        try {
            return cryptoki.encrypt(session, key, iv, aad, plain, ciphered) == CIPHERED_BYTES
                    && cryptoki.decrypt(session, key, iv, aad, ciphered, again) == KEY_BYTES;
        } catch (CkException broken) {
            return false;
        }
    }

    private OffHeap randomIv() {
        byte[] random = new byte[Cryptoki.IV_BYTES];
        engine.fillRandom(random);
        return OffHeap.allocate(Cryptoki.IV_BYTES).put(0, random);
    }

    private static void requireLength(Functions.Function function, int bytes, int expected) throws CkException {
        if (bytes != expected) {
            throw new CkException(function, bytes + " bytes instead of " + expected);
        }
    }

    /** What a wrapped key is bound to. */
    private static OffHeap aad(Binding binding) {
        byte[] bytes = ByteBuffer.allocate(LABEL.length + 2 * Long.BYTES)
                .put(LABEL)
                .putLong(binding.volume().getMostSignificantBits())
                .putLong(binding.volume().getLeastSignificantBits())
                .array();
        return OffHeap.allocate(bytes.length).put(0, bytes);
    }

    /** Gives the token back. */
    @Override
    public void close() {
        if (!closed.getAndSet(true)) {
            tokens.release(module, uri);
        }
    }
}

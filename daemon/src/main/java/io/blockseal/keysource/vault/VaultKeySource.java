package io.blockseal.keysource.vault;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
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
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A key of the transit engine that derives one key per context; the context is the volume, as {@code rewrap}, unlike
 * {@code encrypt}, has no additional data. The blob is the server's own text, {@code vault:vN:...}. From any thread but one
 * that serves I/O.
 */
final class VaultKeySource implements KeySource {
    private static final Logger LOG = LoggerFactory.getLogger(VaultKeySource.class);
    private static final int BLOB_BYTES_MAX = 512;
    private static final Base64.Encoder BASE64 = Base64.getEncoder();
    private static final Pattern GONE = Pattern.compile("key not found|disallowed by policy|deleted|disabled");
    /** Nothing before it: of a storage that cannot be deciphered the server says so, too. */
    private static final Pattern ALTERED =
            Pattern.compile("(1 error occurred: \\* )?cipher: message authentication failed");

    private static final Pattern CIPHERTEXT = Pattern.compile("vault:v([1-9]\\d{0,9}):[A-Za-z0-9+/=]+");

    private final String reference;
    private final String mount;
    private final String key;
    private final VaultServer server;
    private final VaultSession session;
    private final CryptoEngine engine;
    private final Asked asked;
    private final AtomicBoolean warned = new AtomicBoolean();

    VaultKeySource(
            String reference,
            String mount,
            String key,
            VaultServer server,
            VaultSession session,
            KeySourceContext context) {
        this.reference = reference;
        this.mount = mount;
        this.key = key;
        this.server = server;
        this.session = session;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "transit";
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
        return asked.askAbout(Operation.VERSION, trace -> {
            try (RestResponse answer = session.ask("GET", mount + "/keys/" + key, null);
                    KeyReply properties = properties(answer)) {
                String version = properties.require("data.latest_version");
                trace.requestId(properties.textOrEmpty("request_id")).version(version);
                warnIfItCanBeTakenOut(properties);
                return version;
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        });
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            requireDerived();
            KeyDocument question = new KeyDocument()
                    .key("plaintext", engine, volumeKey, BASE64)
                    .bytes("context", context(binding), BASE64);
            try (RestResponse answer = post("encrypt", question)) {
                return wrapped(answer, "encrypting", trace);
            }
        });
    }

    /** By the server alone, which need not be shown the key; where it cannot, or our token may not, as for the first time. */
    @Override
    public WrappedKey rewrap(WrappedKey old, Secret volumeKey, Binding binding) throws KeySourceException {
        try {
            return asked.ask(Operation.WRAP, binding, trace -> {
                try (RestResponse answer = post("rewrap", question(old, binding))) {
                    requireOpened(answer, "rewrapping");
                    return wrapped(answer, "rewrapping", trace);
                }
            });
        } catch (WrongKeyException another) {
            return wrap(volumeKey, binding);
        } catch (KeySourceException trouble) {
            if (trouble.kind() == Kind.REFUSED) {
                return wrap(volumeKey, binding);
            }
            throw trouble;
        }
    }

    private WrappedKey wrapped(RestResponse answer, String doing, Asked.Trace trace) throws KeySourceException {
        try (KeyReply reply = reply(answer, doing)) {
            String ciphertext = reply.require("data.ciphertext");
            Matcher parts = CIPHERTEXT.matcher(ciphertext);
            if (!parts.matches() || ciphertext.length() > BLOB_BYTES_MAX) {
                throw new IOException(
                        "'data.ciphertext' is not 'vault:vN:' and at most " + BLOB_BYTES_MAX + " bytes of Base64");
            }
            trace.requestId(reply.textOrEmpty("request_id")).version(parts.group(1));
            byte[] blob = ciphertext.getBytes(StandardCharsets.US_ASCII);
            return new WrappedKey(WrapAlgorithm.OPAQUE, reference, parts.group(1), new byte[0], blob);
        } catch (IOException malformed) {
            throw server.malformed(malformed);
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            try (RestResponse answer = post("decrypt", question(wrapped, binding))) {
                requireOpened(answer, "decrypting");
                try (KeyReply reply = KeyReply.of(answer.body(), "data.plaintext", Base64.getDecoder(), engine)) {
                    trace.requestId(reply.textOrEmpty("request_id"));
                    return reply.takeKey();
                }
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        });
    }

    private static KeyDocument question(WrappedKey wrapped, Binding binding) {
        return new KeyDocument()
                .text("ciphertext", new String(wrapped.blob(), StandardCharsets.US_ASCII))
                .bytes("context", context(binding), BASE64);
    }

    /** The volume's UUID as text, so that an operator can write it down: {@code context=$(printf %s UUID | base64)}. */
    private static byte[] context(Binding binding) {
        return binding.volume().toString().getBytes(StandardCharsets.US_ASCII);
    }

    private RestResponse post(String operation, KeyDocument question) throws KeySourceException {
        byte[] sent = question.toBytes();
        question.close();
        try {
            return session.ask("POST", mount + "/" + operation + "/" + key, sent);
        } finally {
            Arrays.fill(sent, (byte) 0);
        }
    }

    private KeyReply reply(RestResponse answer, String doing) throws KeySourceException, IOException {
        if (!answer.isOk()) {
            throw refusal(answer, doing);
        }
        return KeyReply.of(answer.body());
    }

    private KeyReply properties(RestResponse answer) throws KeySourceException, IOException {
        return reply(answer, "reading the properties of the key '" + key + "' in '" + mount + "'");
    }

    /** A key that does not derive would ignore the context: the volume key of one volume would open another. */
    private void requireDerived() throws KeySourceException {
        try (RestResponse answer = session.ask("GET", mount + "/keys/" + key, null);
                KeyReply properties = properties(answer)) {
            if (!properties.require("data.derived").equals("true")) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        reference + " is not a derived key, so that nothing would bind a wrapped key to its volume."
                                + " Make another one: vault write -f " + mount + "/keys/NAME derived=true");
            }
            warnIfItCanBeTakenOut(properties);
        } catch (IOException malformed) {
            throw server.malformed(malformed);
        }
    }

    private void warnIfItCanBeTakenOut(KeyReply properties) {
        for (String danger : new String[] {"exportable", "allow_plaintext_backup"}) {
            if (properties.textOrEmpty("data." + danger).equals("true") && !warned.getAndSet(true)) {
                LOG.warn(
                        "{}: the key has {}=true: it can be taken out of the server, and whoever has it opens"
                                + " all volumes without asking. This cannot be taken back; use another key",
                        reference,
                        danger);
            }
        }
    }

    private void requireOpened(RestResponse answer, String doing) throws KeySourceException, WrongKeyException {
        if (answer.isOk()) {
            return;
        }
        String words = server.words(answer);
        String lower = words.toLowerCase(Locale.ROOT);
        // Also 500: some versions do not know how to say that of a blob, and none does while rewrapping.
        boolean altered = (answer.status() == 400 || answer.status() == 500)
                && ALTERED.matcher(lower).matches();
        boolean malformed =
                answer.status() == 400 && lower.contains("invalid ciphertext") && !lower.contains("too new");
        if (altered || malformed) {
            throw new WrongKeyException(reference + " does not open this slot: " + words
                    + ". It was wrapped by another key, for another volume, or altered");
        }
        throw refusal(answer, doing);
    }

    /** The server says 400 also for keys that are gone or closed, and 403 also of tokens. */
    private KeySourceException refusal(RestResponse answer, String doing) {
        String words = server.words(answer);
        String lower = words.toLowerCase(Locale.ROOT);
        String where = reference + ", " + doing + ": ";
        if (!VaultServer.isInItsWords(answer)) {
            return server.trouble(doing, answer);
        }
        // Newer servers say "permission denied" and "invalid token" of a token that they do not know (yet).
        if (answer.status() == 403 && !lower.contains("token")) {
            return new KeySourceException(
                    Kind.REFUSED, where + "our token may not do that: " + words + ". Look at the policies of its role");
        }
        if (answer.status() == 404 && words.equals(VaultServer.NO_WORDS)) {
            return new KeySourceException(Kind.REFUSED, where + "there is no such key (any more)");
        }
        if (answer.status() == 400 && GONE.matcher(lower).find()) {
            return new KeySourceException(Kind.REFUSED, where + words);
        }
        if (answer.status() == 400 && lower.contains("too new")) {
            return new KeySourceException(
                    Kind.UNREACHABLE,
                    where + words + ". Is it a replica that lags behind, or restored from an old backup?");
        }
        return server.trouble(doing, answer);
    }

    /** Forgets our token. */
    @Override
    public void close() {
        session.close();
    }
}

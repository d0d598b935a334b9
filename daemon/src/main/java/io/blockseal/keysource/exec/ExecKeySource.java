package io.blockseal.keysource.exec;

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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;

/**
 * A program that wraps and unwraps volume keys, by whatever means it knows. The protocol is in docs/keysources.md. From
 * any thread but one that serves I/O.
 */
public final class ExecKeySource implements KeySource {
    private static final int BLOB_BYTES_MAX = 512;
    private static final int VERSION_BYTES_MAX = 64;
    private static final Base64.Encoder BASE64 = Base64.getEncoder();

    private final String reference;
    private final Plugin plugin;
    private final CryptoEngine engine;
    private final Asked asked;

    ExecKeySource(String reference, Plugin plugin, KeySourceContext context) {
        this.reference = reference;
        this.plugin = plugin;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "exec";
    }

    @Override
    public String reference() {
        return reference;
    }

    /** Slots of this program only: another one would be shown a blob that is not its own. */
    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.isOpaqueOf(reference);
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(Operation.VERSION, trace -> {
            try (KeyDocument question = question("version");
                    KeyReply reply = ask(question, trace)) {
                return reply.textOrEmpty("version");
            } catch (IOException malformed) {
                throw malformed(malformed);
            }
        });
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            try (KeyDocument question = question("wrap")
                            .text("volume", binding.volume().toString())
                            .key("key", engine, volumeKey, BASE64);
                    KeyReply reply = ask(question, trace)) {
                byte[] blob = reply.blob("blob", BLOB_BYTES_MAX);
                return new WrappedKey(WrapAlgorithm.OPAQUE, reference, version(reply), new byte[0], blob);
            } catch (IOException malformed) {
                throw malformed(malformed);
            }
        });
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            try (KeyDocument question = question("unwrap")
                            .text("volume", binding.volume().toString())
                            .bytes("blob", wrapped.blob(), BASE64)
                            .text("version", wrapped.version());
                    KeyReply reply = ask(question, trace)) {
                return reply.takeKey();
            } catch (IOException malformed) {
                throw malformed(malformed);
            }
        });
    }

    private static KeyDocument question(String operation) {
        return new KeyDocument().number("protocol", 1).text("operation", operation);
    }

    private KeyReply ask(KeyDocument question, Asked.Trace trace)
            throws KeySourceException, WrongKeyException, IOException {
        byte[] sent = question.toBytes();
        byte[] answer = new byte[0];
        try {
            answer = plugin.run(sent);
            KeyReply reply = KeyReply.of(answer, "key", Base64.getDecoder(), engine);
            if (reply.text("version") != null) {
                trace.version(reply.textOrEmpty("version"));
            }
            trace.requestId(reply.textOrEmpty("requestId"));
            refuse(reply);
            return reply;
        } finally {
            Arrays.fill(sent, (byte) 0);
            Arrays.fill(answer, (byte) 0);
        }
    }

    /** Throws what the program says is wrong, if it says so. */
    private void refuse(KeyReply reply) throws KeySourceException, WrongKeyException {
        String kind = reply.text("error.kind");
        String words = reply.textOrEmpty("error.message");
        if (kind == null && words.isEmpty()) {
            return;
        }
        reply.close();
        // What it says of a question that it did not understand may be the question.
        String message = reference + " says: " + PluginWords.of(words.isEmpty() ? String.valueOf(kind) : words);
        if ("wrong-key".equals(kind)) {
            throw new WrongKeyException(message);
        }
        for (Kind known : Kind.values()) {
            if (known.name().toLowerCase(Locale.ROOT).equals(kind)) {
                throw new KeySourceException(known, message);
            }
        }
        throw new KeySourceException(Kind.UNREACHABLE, message);
    }

    private static String version(KeyReply reply) throws IOException {
        String version = reply.textOrEmpty("version");
        int bytes = version.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > VERSION_BYTES_MAX) {
            throw new IOException(
                    "'version' has " + bytes + " bytes, and a key slot has room for " + VERSION_BYTES_MAX);
        }
        return version;
    }

    private KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                reference + " has answered something else than was asked for: " + what.getMessage());
    }

    /** Holds nothing. */
    @Override
    public void close() {}
}

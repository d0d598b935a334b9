package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.pkcs11.Functions.Function;
import io.blockseal.shim.OffHeap;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A SoftHSM token with two keys, and between it and the source somebody who counts calls and can answer in its place what
 * only hardware would.
 */
final class TokenPremises implements Premises {
    /** Done before a call goes to the token; gives what to answer instead, or null. */
    interface Fault {
        @Nullable
        Ckr before(Function function, long[] arguments);
    }

    /** Done with what the token has answered. */
    interface Tampering {
        void after(Function function, long[] arguments);
    }

    private static final Set<Trouble> POSSIBLE = Set.of(
            Trouble.NONE,
            Trouble.DISABLED,
            Trouble.DELETED,
            Trouble.FORBIDDEN,
            Trouble.THROTTLED,
            Trouble.BROKEN,
            Trouble.BROKEN_ONCE,
            Trouble.HANGS_UP,
            Trouble.NONSENSE,
            Trouble.SHORT_KEY);

    final SoftHsm hsm;
    final Path pin;
    final Tokens tokens;
    final Map<Function, AtomicInteger> calls = new EnumMap<>(Function.class);
    volatile @Nullable Fault fault;
    volatile @Nullable Tampering tamper;
    private volatile Trouble trouble = Trouble.NONE;
    private int versions = 1;

    TokenPremises(Path folder) throws Exception {
        this.hsm = SoftHsm.open();
        this.pin = folder.resolve("pin");
        this.tokens = new Tokens(module -> watched(Functions.load(module)));
        for (Function function : Function.values()) {
            calls.put(function, new AtomicInteger());
        }
        writePin(SoftHsm.PIN);
        hsm.generate("kek", 1, false);
        hsm.generate("other", 99, false);
    }

    void writePin(String text) throws Exception {
        writePin(pin, text);
    }

    static Path writePin(Path file, String text) throws Exception {
        Files.writeString(file, text + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    int calls(Function function) {
        return calls.get(function).get();
    }

    private Functions watched(Functions token) {
        return (function, arguments) -> {
            calls.get(function).incrementAndGet();
            Fault now = fault;
            Ckr instead = now == null ? null : now.before(function, arguments);
            if (instead == null) {
                instead = byTrouble(function);
            }
            if (instead != null) {
                return instead.code();
            }
            long code = token.call(function, arguments);
            Tampering then = tamper;
            if (then != null) {
                then.after(function, arguments);
            }
            if (function == Function.C_Decrypt && trouble == Trouble.SHORT_KEY) {
                OffHeap.at(arguments[4], Long.BYTES).putLong(0, 31);
            }
            if (function == Function.C_GetAttributeValue && trouble == Trouble.NONSENSE) {
                OffHeap.at(arguments[2], Template.ATTRIBUTE_BYTES).putLong(2 * Long.BYTES, -1);
            }
            return code;
        };
    }

    private @Nullable Ckr byTrouble(Function function) {
        boolean works = function == Function.C_Encrypt || function == Function.C_Decrypt;
        if (!works) {
            return null;
        }
        switch (trouble) {
            case FORBIDDEN:
                return Ckr.ACTION_PROHIBITED;
            case THROTTLED:
                return Ckr.DEVICE_MEMORY;
            case BROKEN:
                return Ckr.GENERAL_ERROR;
            case BROKEN_ONCE:
                trouble = Trouble.NONE;
                return Ckr.DEVICE_ERROR;
            case HANGS_UP:
                return Ckr.DEVICE_REMOVED;
            default:
                return null;
        }
    }

    String uri(String label) {
        return hsm.uri(label) + "?module-path=" + hsm.module() + "&pin-source=" + pin;
    }

    KeySource open(KeySourceContext context, String uri) throws Exception {
        return new Pkcs11KeySourceProvider(tokens).open(KeySourceSpec.parse(uri), context);
    }

    @Override
    public String place() {
        return uri("kek");
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return open(context, uri("kek"));
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return open(context, uri("other"));
    }

    @Override
    public boolean can(Trouble wanted) {
        return POSSIBLE.contains(wanted);
    }

    @Override
    public void have(Trouble wanted) throws Exception {
        switch (wanted) {
            case DISABLED -> hsm.allow("kek", false);
            case DELETED -> {
                hsm.renumber("kek", 77);
                hsm.rename("kek", "gone");
            }
            case NONE -> mend();
            default -> {}
        }
        trouble = wanted;
    }

    private void mend() throws Exception {
        switch (trouble) {
            case DISABLED -> hsm.allow("kek", true);
            case DELETED -> {
                hsm.rename("gone", "kek");
                hsm.renumber("kek", 1);
            }
            default -> {}
        }
    }

    /** A call into a module cannot be ended from without. */
    @Override
    public boolean canBeInterrupted() {
        return false;
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() throws Exception {
        hsm.rename("kek", "kek-" + versions);
        versions++;
        hsm.generate("kek", versions, false);
    }

    @Override
    public void close() throws Exception {
        fault = null;
        tamper = null;
        have(Trouble.NONE);
        for (int version = 1; version < versions; version++) {
            hsm.destroy("kek-" + version);
        }
        hsm.destroy("kek");
        hsm.destroy("other");
    }
}

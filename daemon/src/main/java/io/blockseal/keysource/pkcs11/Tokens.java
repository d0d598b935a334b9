package io.blockseal.keysource.pkcs11;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tokens that sources of this process use, each of them once, for as long as some source does. From any thread. */
final class Tokens {
    /** Those of this process: to a token it is one application, which is logged in or not. */
    static final Tokens OF_THE_PROCESS = new Tokens(Functions::load);

    private record Name(Path module, String token) {}

    private static final class Shared {
        final Token token;
        int users;

        Shared(Token token) {
            this.token = token;
        }
    }

    private final Functions.Loader loader;
    private final PinMemory pins = new PinMemory();
    private final DescriptorPins descriptors = new DescriptorPins();
    private final Map<Name, Shared> shared = new HashMap<>();
    /** Never fewer: what is loaded stays. */
    private final Map<Path, LoadedModule> modules = new HashMap<>();

    Tokens(Functions.Loader loader) {
        this.loader = loader;
    }

    /** PINs that came through descriptors. */
    DescriptorPins descriptors() {
        return descriptors;
    }

    /** A token, which must be given back; nothing is loaded before it is used. */
    synchronized Token lease(Path module, KeyUri uri) {
        Shared one = shared.computeIfAbsent(
                new Name(module, uri.token()), name -> new Shared(new Token(loaded(module), uri, pins)));
        one.users++;
        return one.token;
    }

    /** One for all names that a module goes by: begun anew under one of them, it is so under all. */
    private LoadedModule loaded(Path module) {
        Path real;
        try {
            real = module.toRealPath();
        } catch (IOException missing) {
            real = module; // Whoever uses it is told.
        }
        return modules.computeIfAbsent(real, path -> new LoadedModule(path, loader));
    }

    /** Gives it back; with the last one the process logs out. */
    void release(Path module, KeyUri uri) {
        Token unused = drop(new Name(module, uri.token()));
        if (unused != null) {
            unused.close();
        }
    }

    private synchronized @Nullable Token drop(Name name) {
        Shared one = shared.get(name);
        if (one == null || --one.users > 0) {
            return null;
        }
        shared.remove(name);
        return one.token;
    }
}

package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A module, loaded when it is first needed and for good, for all tokens that it leads to. It may be begun anew, which is how
 * some modules (SoftHSM, those of HSMs behind a network) find a token that was away. From any thread.
 */
final class LoadedModule {
    private static final long CALLS_END_SECONDS = 5;

    private final Path path;
    private final Functions.Loader loader;
    private final ReentrantReadWriteLock calls = new ReentrantReadWriteLock();

    private @Nullable Cryptoki cryptoki;
    private int logins;

    LoadedModule(Path path, Functions.Loader loader) {
        this.path = path;
        this.loader = loader;
    }

    Path path() {
        return path;
    }

    /** Held while functions of the module are called: it is not begun anew under a call. */
    Lock calling() {
        return calls.readLock();
    }

    /** Its functions. */
    synchronized Cryptoki cryptoki(String asker) throws KeySourceException {
        Cryptoki loaded = cryptoki;
        if (loaded == null) {
            try {
                // It is checked and loaded by one and the same name, which no link can bend in between.
                Path real = path.toRealPath();
                PrivateFile.requireUnchangeable(real);
                loaded = new Cryptoki(loader.load(real));
            } catch (IOException cannot) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        asker + ": the module " + path + " cannot be loaded: "
                                + (cannot instanceof NoSuchFileException
                                        ? "there is no such file"
                                        : FileTrouble.words(cannot))
                                + ". Is module-path right, and the package installed that has it?",
                        cannot);
            }
            cryptoki = loaded;
        }
        return loaded;
    }

    synchronized void loggedIn() {
        logins++;
    }

    synchronized void loggedOut() {
        logins--;
    }

    /**
     * Has the module look for its tokens anew, unless somebody is logged in to another of them and would be disturbed.
     *
     * @return whether it has
     */
    boolean beginAnew() throws CkException {
        Lock alone = alone();
        if (alone == null) {
            return false;
        }
        try {
            Cryptoki begun = idle();
            if (begun == null) {
                return false;
            }
            begun.end();
            begun.initialize();
            return true;
        } finally {
            alone.unlock();
        }
    }

    /** Held, for the caller to give back, once no call of anybody is under way; null if that takes too long. */
    @Nullable
    Lock alone() {
        try {
            return calls.writeLock().tryLock(CALLS_END_SECONDS, TimeUnit.SECONDS) ? calls.writeLock() : null;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    private synchronized @Nullable Cryptoki idle() {
        return logins == 0 ? cryptoki : null;
    }
}

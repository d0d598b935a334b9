package io.blockseal.app.served;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.TestKeySource;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A source whose questions cannot be ended from without, as those to the module of an HSM. It answers until it is told to
 * do so no more.
 */
final class UnansweredKeySource implements KeySource {
    private static final Set<Thread> ASKERS = ConcurrentHashMap.newKeySet();
    private static final AtomicInteger QUESTIONS = new AtomicInteger();
    private static volatile boolean away;
    private static volatile boolean silent;
    private static volatile CountDownLatch asked = new CountDownLatch(1);
    private static volatile CountDownLatch answer = new CountDownLatch(1);

    private final TestKeySource key;

    private UnansweredKeySource(KeySourceContext context) {
        key = new TestKeySource(context.engine(), 1);
    }

    /** Finds it under the scheme {@code unanswered}. */
    public static final class Provider implements KeySourceProvider {
        @Override
        public List<String> schemes() {
            return List.of("unanswered");
        }

        @Override
        public KeySource open(KeySourceSpec spec, KeySourceContext context) {
            return new UnansweredKeySource(context);
        }
    }

    /** For threads that are to know of it; {@code directory} is its own. */
    static ClassLoader loader(Path directory) throws Exception {
        Path services = Files.createDirectories(directory.resolve("META-INF/services"));
        Files.writeString(services.resolve(KeySourceProvider.class.getName()), Provider.class.getName());
        ASKERS.clear();
        away = false;
        silent = false;
        asked = new CountDownLatch(1);
        answer = new CountDownLatch(1);
        return new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, Thread.currentThread().getContextClassLoader());
    }

    /** On which threads it was asked. */
    static Set<Thread> askers() {
        return Set.copyOf(ASKERS);
    }

    /** How often it was asked, since whenever. */
    static int questions() {
        return QUESTIONS.get();
    }

    private static void note() {
        ASKERS.add(Thread.currentThread());
        QUESTIONS.incrementAndGet();
    }

    /** Can be reached again. */
    static void beBack() {
        away = false;
    }

    /** Cannot be reached from now on. */
    static void beAway() {
        away = true;
    }

    /** Answers nothing from now on; returns when somebody waits for an answer. */
    static void beSilent() throws InterruptedException {
        silent = true;
        away = false;
        asked.await();
    }

    /** Gives all their answers. */
    static void answer() {
        silent = false;
        answer.countDown();
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        note();
        if (away) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, "nobody is there");
        }
        boolean interrupted = false;
        while (silent) {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException deaf) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return key.unwrap(wrapped, binding);
    }

    @Override
    public String kind() {
        return key.kind();
    }

    @Override
    public String reference() {
        return key.reference();
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return key.mayOpen(wrapped);
    }

    @Override
    public String newestVersion() {
        note();
        return "";
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) {
        note();
        return key.wrap(volumeKey, binding);
    }

    @Override
    public void close() {
        key.close();
    }
}

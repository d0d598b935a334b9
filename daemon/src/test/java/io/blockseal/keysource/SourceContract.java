package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.format.KeySlotType;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.Premises.Trouble;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every key source outside the process owes to a volume, however the place behaves. */
public abstract class SourceContract {
    private static final int KEY_SLOTS = 120;
    private static final Map<Trouble, Kind> KINDS = Map.of(
            Trouble.DISABLED, Kind.REFUSED,
            Trouble.DELETED, Kind.REFUSED,
            Trouble.FORBIDDEN, Kind.REFUSED,
            Trouble.UNAUTHENTICATED, Kind.UNREACHABLE,
            Trouble.THROTTLED, Kind.THROTTLED,
            Trouble.BROKEN, Kind.UNREACHABLE,
            Trouble.SILENT, Kind.UNREACHABLE,
            Trouble.HALF_AN_ANSWER, Kind.UNREACHABLE,
            Trouble.HANGS_UP, Kind.UNREACHABLE,
            Trouble.SHORT_KEY, Kind.MISCONFIGURED);

    protected final CryptoEngine engine = new JavaCryptoEngine(KEY_SLOTS, new KernelRandom());
    protected final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
    protected final Queue<KeyUse> uses = new ConcurrentLinkedQueue<>();
    protected final KeySourceContext context =
            new KeySourceContext(engine, null, this::environment, () -> new byte[0], uses::add);
    protected Premises premises;
    private int keptSecrets;

    /** Opens the place, with a KEK in it. */
    protected abstract Premises open() throws Exception;

    /** What the environment says; nothing, unless a test has more to say. */
    protected String environment(String name) {
        return null;
    }

    /** Where the questions go that auditors are told of: to the source, unless it is made of others. */
    protected String asked(KeySource source) {
        return source.reference();
    }

    /** So many secrets stay by design until the engine is closed. */
    protected void keepsSecrets(int count) {
        keptSecrets = count;
    }

    @BeforeEach
    void openThePlace() throws Exception {
        premises = open();
    }

    @AfterEach
    void leaveNothingBehind() throws Exception {
        premises.close();
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS - keptSecrets);
        engine.close();
    }

    private WrappedKey wrapped(Secret volumeKey) throws Exception {
        try (KeySource source = premises.source(context)) {
            return source.wrap(volumeKey, binding);
        }
    }

    @Test
    void opensWhatItWrapped() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            try (KeySource again = premises.source(context);
                    Secret opened = again.unwrap(wrapped, binding)) {
                assertTrue(again.mayOpen(wrapped));
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
                assertEquals(again.reference(), wrapped.reference());
            }
        }
    }

    @Test
    void fitsIntoAKeySlotAndShowsNoKey() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            try (KeySource source = premises.source(context)) {
                assertNotEquals(KeySlotType.OTHER, KeySlotType.ofKind(source.kind()), source.kind());
            }
            assertTrue(wrapped.reference().getBytes(StandardCharsets.UTF_8).length <= 256);
            assertTrue(wrapped.version().getBytes(StandardCharsets.UTF_8).length <= 64);
            assertTrue(wrapped.parameters().length <= 128);
            assertTrue(wrapped.blob().length >= 40 && wrapped.blob().length <= 512, wrapped.blob().length + " bytes");
            assertNoKey(volumeKey, new String(wrapped.blob(), StandardCharsets.ISO_8859_1));
            assertNotEquals(
                    HexFormat.of().formatHex(wrapped.blob()),
                    HexFormat.of().formatHex(wrapped(volumeKey).blob()));
        }
    }

    @Test
    void tellsTheAuditorOfEveryUse() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            source.unwrap(wrapped, binding).close();
            List<KeyUse> told = uses.stream()
                    .filter(use -> use.operation() != KeyUse.Operation.VERSION)
                    .toList();
            assertEquals(2, told.size(), told::toString);
            for (KeyUse use : told) {
                assertEquals("ok", use.outcome());
                assertEquals(asked(source), use.reference());
                assertEquals(wrapped.version(), use.version());
                assertEquals(binding, use.binding());
                assertNoKey(volumeKey, use.toString());
            }
        }
    }

    @Test
    void doesNotOpenWhatAnotherKeyWrapped() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource other = premises.otherSource(context)) {
            WrappedKey wrapped = wrapped(volumeKey);
            assertThrows(WrongKeyException.class, () -> other.unwrap(wrapped, binding));
        }
    }

    @Test
    void doesNotOpenWhatWasAltered() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = wrapped(volumeKey);
            byte[] altered = wrapped.blob().clone();
            altered[altered.length - 8] ^= 1;
            WrappedKey other = with(wrapped, altered);
            assertFails(() -> source.unwrap(other, binding), volumeKey);
            WrappedKey truncated = with(wrapped, Arrays.copyOf(wrapped.blob(), wrapped.blob().length - 1));
            assertFails(() -> source.unwrap(truncated, binding), volumeKey);
        }
    }

    @Test
    void leavesSlotsOfOthersAlone() throws Exception {
        try (KeySource source = premises.source(context)) {
            for (WrapAlgorithm algorithm : WrapAlgorithm.values()) {
                WrappedKey foreign = new WrappedKey(algorithm, "elsewhere:prod", "1", new byte[0], new byte[40]);
                assertFalse(source.mayOpen(foreign));
                assertThrows(WrongKeyException.class, () -> source.unwrap(foreign, binding));
            }
        }
    }

    @Test
    void takesTheNewestVersionAndStillOpensTheOldest() throws Exception {
        assumeTrue(premises.hasVersions(), "this source's keys have no versions");
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey old = source.wrap(volumeKey, binding);
            assertEquals(old.version(), source.newestVersion());
            assertFalse(old.version().isEmpty());
            premises.rotate();
            assertNotEquals(old.version(), source.newestVersion());
            WrappedKey fresh = source.wrap(volumeKey, binding);
            assertEquals(fresh.version(), source.newestVersion());
            for (WrappedKey each : List.of(old, fresh)) {
                try (Secret opened = source.unwrap(each, binding)) {
                    assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Trouble.class)
    void saysWhichKindOfTroubleItIsAndWorksAgainAfterwards(Trouble trouble) throws Exception {
        Kind kind = KINDS.get(trouble);
        assumeTrue(kind != null && premises.can(trouble), () -> "this place cannot be made to be " + trouble);
        boolean silent = trouble == Trouble.SILENT || trouble == Trouble.HALF_AN_ANSWER;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource patient = premises.source(context);
                KeySource source = silent ? premises.hastySource(context) : premises.source(context)) {
            KeySource before = !silent || premises.hastySourceHasTime() ? source : patient;
            WrappedKey wrapped = before.wrap(volumeKey, binding);
            premises.have(trouble);
            // Where nobody answers each takes its time: both at once. On a thread of its own: the JDK's HTTP client
            // tells of answers on the common pool, whose only thread must not wait for one.
            CompletableFuture<KeySourceException> wrapping = CompletableFuture.supplyAsync(
                    () -> trouble == Trouble.SHORT_KEY
                            ? null
                            : assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding)),
                    task -> new Thread(task, "wrapping").start());
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertWords(failed, source, volumeKey);
            KeySourceException also = wrapping.get();
            if (also != null) {
                assertEquals(kind, also.kind(), also::getMessage);
                assertWords(also, source, volumeKey);
            }
            premises.have(Trouble.NONE);
            try (Secret opened = before.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    private static void assertWords(KeySourceException failed, KeySource source, Secret volumeKey) {
        String message = failed.getMessage();
        assertFalse(message.contains("Exception"), message);
        assertFalse(message.isBlank());
        assertEquals("***", volumeKey.toString());
        String authority =
                source.reference().replaceFirst("^[^:]*:(https?://)?", "").replaceFirst("[/?].*", "");
        assertTrue(
                message.contains(source.reference()) || message.contains(authority), () -> message + " names no place");
    }

    @Test
    void answersThatAreNoAnswersAreTrouble() throws Exception {
        assumeTrue(premises.can(Trouble.NONSENSE), "this place cannot talk nonsense");
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            premises.have(Trouble.NONSENSE);
            assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Trouble.class,
            names = {"THROTTLED_ONCE", "BROKEN_ONCE"})
    void asksAgainWhereThatHelps(Trouble trouble) throws Exception {
        assumeTrue(premises.can(trouble), () -> "this place cannot be made to be " + trouble);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.patientSource(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            premises.have(trouble);
            try (Secret opened = source.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    /** A daemon that is told to stop interrupts whoever asks, and waits for no source. */
    @Test
    void doesNotKeepAnybodyWaitingWhoIsInterrupted() throws Exception {
        assumeTrue(premises.canBeInterrupted(), "a question to this place cannot be ended");
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            if (premises.can(Trouble.SILENT)) {
                premises.have(Trouble.SILENT);
            }
            try (KeySource source = premises.patientSource(context)) {
                // From the beginning: so each wait that there is has to notice.
                Thread.currentThread().interrupt();
                KeySourceException failed =
                        assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
                assertEquals(Kind.UNREACHABLE, failed.kind(), failed::getMessage);
                assertTrue(failed.getMessage().contains("interrupted"), failed::getMessage);
                assertTrue(Thread.currentThread().isInterrupted(), "nobody would know that it was interrupted");
            } finally {
                Thread.interrupted();
            }
        }
    }

    /** Fifty volumes that open at the same time, with one KEK and one source. */
    @Test
    void servesManyVolumesAtOnce() throws Exception {
        ExecutorService openers = Executors.newFixedThreadPool(16);
        try (KeySource source = premises.patientSource(context)) {
            List<Callable<Boolean>> all = IntStream.range(0, 50)
                    .<Callable<Boolean>>mapToObj(i -> () -> opens(source, new Binding(new UUID(1, i))))
                    .toList();
            for (Future<Boolean> each : openers.invokeAll(all)) {
                assertTrue(each.get());
            }
        } finally {
            openers.shutdownNow();
        }
    }

    /** What has to have happened before somebody is interrupted. */
    protected interface Ready {
        void await() throws Exception;
    }

    /** Has a question asked that nobody answers, and whoever asks it interrupted as soon as it waits. */
    protected static void assertInterruptible(KeySource source, Ready ready) throws Exception {
        FutureTask<KeySourceException> asking = new FutureTask<>(() -> {
            KeySourceException failed = assertThrows(KeySourceException.class, source::newestVersion);
            assertTrue(Thread.currentThread().isInterrupted(), "nobody would know that it was interrupted");
            return failed;
        });
        Thread asker = new Thread(asking, "asker");
        asker.start();
        ready.await();
        asker.interrupt();
        KeySourceException failed = asking.get();
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("we were interrupted"), failed::getMessage);
    }

    private boolean opens(KeySource source, Binding volume) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = source.wrap(volumeKey, volume);
            try (Secret opened = source.unwrap(wrapped, volume)) {
                return engine.keys().same(volumeKey.key(), opened.key());
            }
        }
    }

    private void assertFails(Callable<Secret> opening, Secret volumeKey) throws Exception {
        try (Secret opened = opening.call()) {
            // A source without authentication of its own may give something, but never the key.
            assertFalse(engine.keys().same(volumeKey.key(), opened.key()));
        } catch (WrongKeyException | KeySourceException asItShould) {
            assertNoKey(volumeKey, String.valueOf(asItShould.getMessage()));
        }
    }

    protected final void assertNoKey(Secret key, String text) {
        ByteBuffer copy = ByteBuffer.allocate(64);
        engine.keys().copyOut(key.key(), SecretAccess.TEST_ORACLE, copy);
        byte[] raw = new byte[copy.flip().remaining()];
        copy.get(raw);
        assertFalse(text.contains(new String(raw, StandardCharsets.ISO_8859_1)), "raw key");
        assertFalse(text.contains(HexFormat.of().formatHex(raw)), "key in hexadecimal digits");
        assertFalse(text.contains(Base64.getEncoder().withoutPadding().encodeToString(raw)), "key in Base64");
    }

    protected static WrappedKey with(WrappedKey wrapped, byte[] blob) {
        return new WrappedKey(wrapped.algorithm(), wrapped.reference(), wrapped.version(), wrapped.parameters(), blob);
    }
}

package io.blockseal.keysource.pkcs11;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.keysource.pkcs11.Functions.Function;
import io.blockseal.shim.OffHeap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A key on a real token (SoftHSM), with what hardware adds: PINs that lock, tokens that are pulled out. */
class Pkcs11KeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    private TokenPremises token;

    @Override
    protected Premises open() throws Exception {
        token = new TokenPremises(folder);
        return token;
    }

    private KeySourceException wrapFails(KeySource source) throws Exception {
        try (source;
                Secret key = Secret.random(engine.keys(), 32)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(key, binding));
        }
    }

    private void assertOpens(KeySource source, WrappedKey wrapped, Secret volumeKey) throws Exception {
        try (Secret opened = source.unwrap(wrapped, binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
        }
    }

    @Test
    void showsAWrongPinToTheTokenOnceHoweverManyVolumesAsk() throws Exception {
        token.writePin("mandarin");
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            for (Future<WrappedKey> each : atOnce(20, () -> source.wrap(key, binding))) {
                Throwable failed = assertThrows(Exception.class, each::get).getCause();
                assertEquals(Kind.MISCONFIGURED, ((KeySourceException) failed).kind());
                assertTrue(failed.getMessage().contains("the PIN of file " + token.pin), failed::getMessage);
                assertFalse(failed.getMessage().contains("mandarin"), failed::getMessage);
            }
            assertEquals(1, token.calls(Function.C_Login));
            token.writePin("mandarin");
            wrapFails(premises.source(context));
            assertEquals(1, token.calls(Function.C_Login), "the same file, written anew");
            token.writePin(SoftHsm.PIN);
            assertOpens(source, source.wrap(key, binding), key);
            assertEquals(2, token.calls(Function.C_Login));
        }
    }

    /** It must not pass for another key, of which nothing is said where a further key opens the volume. */
    @Test
    void aWrongPinOpensNothingAndWaitingDoesNotHelp() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            token.writePin("mandarin");
            token.hsm.pullOutAndPutBack();
            uses.clear();
            for (String words : List.of("the token refuses the PIN of file ", "has refused the PIN of file ")) {
                WrongPinException wrong = assertThrows(WrongPinException.class, () -> source.unwrap(wrapped, binding));
                assertTrue(wrong.getMessage().contains(words + token.pin), wrong::getMessage);
                assertFalse(wrong.getMessage().contains("mandarin"), wrong::getMessage);
            }
            assertEquals(2, token.calls(Function.C_Login), "one that was right, one that was not");
            assertEquals(
                    List.of("misconfigured", "misconfigured"),
                    uses.stream().map(KeyUse::outcome).toList());
            token.writePin(SoftHsm.PIN);
            assertOpens(source, wrapped, key);
        }
    }

    /** Else a mistyped PIN would come to light at the next start, when nobody remembers having written it. */
    @Test
    void takesNoOtherPinWhereAnotherVolumeIsLoggedInAlready() throws Exception {
        Path mistyped = TokenPremises.writePin(folder.resolve("mistyped"), "mandarin");
        String place = token.uri("kek");
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource other = token.open(context, place.replace(token.pin.toString(), mistyped.toString()));
                KeySource without = token.open(context, place.replaceFirst("&pin-source=.*", ""))) {
            WrappedKey wrapped = first.wrap(key, binding);
            for (String words : List.of("the token refuses the PIN of file ", "has refused the PIN of file ")) {
                WrongPinException failed = assertThrows(WrongPinException.class, () -> other.wrap(key, binding));
                assertTrue(failed.getMessage().contains(words + mistyped), failed::getMessage);
                assertThrows(WrongPinException.class, () -> other.unwrap(wrapped, binding));
                assertOpens(first, wrapped, key);
            }
            assertEquals(3, token.calls(Function.C_Login), "the right one, the other one, and the right one again");
            KeySourceException none = assertThrows(KeySourceException.class, () -> without.unwrap(wrapped, binding));
            assertEquals(Kind.MISCONFIGURED, none.kind());
            assertTrue(none.getMessage().contains("the token wants a PIN"), none::getMessage);
            TokenPremises.writePin(mistyped, SoftHsm.PIN);
            assertOpens(other, wrapped, key);
            assertEquals(3, token.calls(Function.C_Login));
        }
    }

    /** A token is never brought nearer to its lock than by one wrong PIN between two right ones. */
    @Test
    void triesNoOtherPinBesideALoginWhileTheTokenHasFewerTries() throws Exception {
        int fewer = 0x10000;
        Path another = TokenPremises.writePin(folder.resolve("another"), "mandarin");
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource other =
                        token.open(context, token.uri("kek").replace(token.pin.toString(), another.toString()))) {
            WrappedKey wrapped = first.wrap(key, binding);
            token.tamper = flag(fewer);
            WrongPinException failed = assertThrows(WrongPinException.class, () -> other.wrap(key, binding));
            assertTrue(
                    failed.getMessage()
                            .contains("the PIN of file " + another
                                    + " is another than the one by which this process is logged in to the token"),
                    failed::getMessage);
            assertOpens(first, wrapped, key);
            assertEquals(1, token.calls(Function.C_Login));
            assertEquals(0, token.calls(Function.C_Logout));
        }
    }

    /** A token says that we are logged in without a look at the PIN, by whatever name it was found. */
    @Test
    void aSecondNameOfTheTokenMakesNoPinARightOne() throws Exception {
        String place = token.uri("kek");
        String otherName = place.replace(";object", ";manufacturer=SoftHSM%20project;object");
        Path link = Files.createSymbolicLink(folder.resolve("link.so"), token.hsm.module());
        Path mistyped = TokenPremises.writePin(folder.resolve("mistyped"), "mandarin");
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource linked =
                        token.open(context, place.replace(token.hsm.module().toString(), link.toString()));
                KeySource second = token.open(context, otherName);
                KeySource wrong = token.open(context, otherName.replace(token.pin.toString(), mistyped.toString()))) {
            WrappedKey wrapped = first.wrap(key, binding);
            assertOpens(linked, wrapped, key);
            WrappedKey bySecond = second.wrap(key, binding);
            assertEquals(0, token.calls(Function.C_Logout), "by the same PIN nobody is disturbed");
            WrongPinException failed = assertThrows(WrongPinException.class, () -> wrong.wrap(key, binding));
            assertTrue(
                    failed.getMessage().contains("the token refuses the PIN of file " + mistyped), failed::getMessage);
            assertOpens(first, wrapped, key);
            assertOpens(linked, wrapped, key);
            assertOpens(second, bySecond, key);
        }
    }

    /** Sessions that are still open, of another volume for instance, keep us logged in although we have to log in anew. */
    @Test
    void alsoAfterALossAPinMustBeTheOneThatTheTokenHasTaken() throws Exception {
        String otherName = token.uri("kek").replace(";object", ";manufacturer=SoftHSM%20project;object");
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource second = token.open(context, otherName)) {
            WrappedKey wrapped = first.wrap(key, binding);
            second.wrap(key, binding);
            token.writePin("mandarin");
            AtomicBoolean once = new AtomicBoolean(true);
            token.fault = (function, arguments) ->
                    function == Function.C_Decrypt && once.getAndSet(false) ? Ckr.DEVICE_REMOVED : null;
            WrongPinException failed = assertThrows(WrongPinException.class, () -> first.unwrap(wrapped, binding));
            assertTrue(failed.getMessage().contains("the token refuses the PIN of file "), failed::getMessage);
            token.writePin(SoftHsm.PIN);
            assertOpens(first, wrapped, key);
        }
    }

    /** A volume that is added must not need a restart of the daemon, nor must those that are served already. */
    @Test
    void takesANewPinThatTheTokenAndTheFilesHave() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource added = premises.otherSource(context)) {
            WrappedKey wrapped = first.wrap(key, binding);
            token.hsm.changePin(SoftHsm.PIN, "clementine");
            try {
                token.writePin("clementine");
                assertOpens(first, wrapped, key);
                assertEquals(0, token.calls(Function.C_Logout), "who is logged in stays so");
                WrappedKey other = added.wrap(key, binding);
                assertOpens(added, other, key);
                assertOpens(first, wrapped, key);
                assertEquals(2, token.calls(Function.C_Login));
                assertEquals(1, token.calls(Function.C_Logout));
            } finally {
                token.hsm.changePin("clementine", SoftHsm.PIN);
            }
        }
    }

    /** SoftHSM reads a token's PIN when the module is begun: what another process has set since it would not know. */
    @Test
    void takesANewPinThatAnotherProgramHasSet() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource added = premises.otherSource(context)) {
            WrappedKey wrapped = first.wrap(key, binding);
            token.hsm.changePinBehindTheModule(SoftHsm.PIN, "clementine");
            try {
                token.writePin("clementine");
                assertOpens(first, wrapped, key);
                WrappedKey other = added.wrap(key, binding);
                assertOpens(added, other, key);
                assertOpens(first, wrapped, key);
                assertEquals(2, token.calls(Function.C_Login), "the new PIN is shown once");
            } finally {
                token.hsm.changePin("clementine", SoftHsm.PIN);
            }
        }
    }

    /** Whoever changes the PIN of a token writes it everywhere, and nothing is to fail before the next login. */
    @Test
    void asksASourceForItsPinOnceForEachLogin() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource second = premises.otherSource(context)) {
            WrappedKey wrapped = first.wrap(key, binding);
            second.wrap(key, binding);
            token.writePin("the next one");
            assertOpens(first, wrapped, key);
            second.wrap(key, binding);
            token.writePin(SoftHsm.PIN);
            token.hsm.pullOutAndPutBack();
            assertOpens(first, wrapped, key);
            token.writePin("the next one");
            assertThrows(KeySourceException.class, () -> second.wrap(key, binding));
        }
    }

    @Test
    void callsAnswersByTheirNames() throws Exception {
        token.fault = (function, arguments) -> function == Function.C_OpenSession ? Ckr.DEVICE_REMOVED : null;
        KeySourceException failed = wrapFails(premises.source(context));
        assertTrue(failed.getMessage().contains("C_OpenSession gives CKR_DEVICE_REMOVED (0x32)"), failed::getMessage);
        token.fault = (function, arguments) -> function == Function.C_OpenSession ? Ckr.UNLISTED : null;
        failed = wrapFails(premises.source(context));
        assertTrue(failed.getMessage().contains("C_OpenSession gives CKR 0xffffffffffffffff"), failed::getMessage);
    }

    @Test
    void saysThatAPinIsLockedAndDoesNotAskAgain() throws Exception {
        token.fault = (function, arguments) -> function == Function.C_Login ? Ckr.PIN_LOCKED : null;
        KeySourceException failed = wrapFails(premises.source(context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("the PIN is locked"), failed::getMessage);
        assertEquals(1, token.calls(Function.C_Login));
    }

    /** A token that says so of itself. */
    private static TokenPremises.Tampering flag(int flag) {
        return (function, arguments) -> {
            if (function == Function.C_GetTokenInfo) {
                OffHeap info = OffHeap.at(arguments[1], TokenInfo.BYTES);
                info.putLong(96, info.getLong(96) | flag);
            }
        };
    }

    @Test
    void doesNotTryAPinWhenAWrongOneWouldLockTheToken() throws Exception {
        int lastTry = 0x20000;
        int locked = 0x40000;
        for (int flag : new int[] {lastTry, locked}) {
            token.tamper = flag(flag);
            KeySourceException failed = wrapFails(premises.source(context));
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains("lock"), failed::getMessage);
        }
        assertEquals(0, token.calls(Function.C_Login));
    }

    /** What a vendor's own number means we do not know; it may be a wrong PIN. */
    @Test
    void doesNotTryAPinAgainAfterAnAnswerThatItDoesNotUnderstand() throws Exception {
        token.fault = (function, arguments) -> function == Function.C_Login ? Ckr.UNLISTED : null;
        for (int i = 0; i < 2; i++) {
            KeySourceException failed = wrapFails(premises.source(context));
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(failed.getMessage().contains("restart the daemon"), failed::getMessage);
        }
        assertEquals(1, token.calls(Function.C_Login));
    }

    @Test
    void logsInAnewWhenTheTokenWasPulledOut() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            token.hsm.pullOutAndPutBack();
            assertOpens(source, wrapped, key);
            assertEquals(2, token.calls(Function.C_Login));
        }
    }

    /** SoftHSM, like the modules of some HSMs behind a network, does not see it come back until it is begun anew. */
    @Test
    void findsATokenThatWasAwayForAWhile() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            token.hsm.beThere(false);
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(Kind.UNREACHABLE, failed.kind());
            token.hsm.beThere(true);
            assertOpens(source, wrapped, key);
        } finally {
            token.hsm.beThere(true);
        }
    }

    /** A volume whose token is away must not cost the others their logins, time and again. */
    @Test
    void leavesAModuleAloneThroughWhichOthersAreLoggedIn() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            source.wrap(key, binding);
            wrapFails(token.open(context, token.uri("kek").replace("blockseal%20tests", "elsewhere")));
            assertEquals(0, token.calls(Function.C_Finalize));
            source.wrap(key, binding);
            assertEquals(1, token.calls(Function.C_Login));
        }
    }

    /** Another program's logout must not look like a key that somebody has deleted: that would count as revoked. */
    @Test
    void doesNotTakeALogoutForADeletedKey() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            token.hsm.logOut();
            assertOpens(source, wrapped, key);
            assertEquals(2, token.calls(Function.C_Login));
        }
    }

    @Test
    void saysWhichTokensThereAreIfNoneIsMeant() throws Exception {
        String uri = token.uri("kek").replace("blockseal%20tests", "elsewhere");
        KeySourceException failed = wrapFails(token.open(context, uri));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("'" + SoftHsm.TOKEN + "' (serial "), failed::getMessage);
    }

    @Test
    void manyVolumesShareOneLoginAndAFewSessionsWhichAreAllClosed() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource first = premises.source(context);
                KeySource second = premises.otherSource(context)) {
            for (Future<WrappedKey> each : atOnce(20, () -> first.wrap(key, binding))) {
                assertEquals("01", each.get().version());
            }
            second.wrap(key, binding);
        }
        assertEquals(1, token.calls(Function.C_Login));
        int sessions = token.calls(Function.C_OpenSession);
        assertTrue(sessions <= 8, sessions + " sessions");
        assertEquals(sessions, token.calls(Function.C_CloseSession));
    }

    private static <T> List<Future<T>> atOnce(int count, Callable<T> one) throws InterruptedException {
        ExecutorService volumes = Executors.newFixedThreadPool(count);
        try {
            return volumes.invokeAll(Collections.nCopies(count, one));
        } finally {
            volumes.shutdownNow();
        }
    }

    @Test
    void wrapsByNoKeyThatCouldLeaveTheTokenUnlessToldTo() throws Exception {
        token.hsm.destroy("kek");
        token.hsm.generate("kek", 1, true);
        KeySourceException failed = wrapFails(premises.source(context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("is extractable"), failed::getMessage);
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource told = token.open(context, token.uri("kek") + "&allow-extractable=true");
                KeySource untold = premises.source(context)) {
            WrappedKey wrapped = told.wrap(key, binding);
            assertOpens(untold, wrapped, key);
        }
    }

    /** What an earlier release wrapped by a short key opens; nothing more is wrapped by it. */
    @Test
    void wrapsByAes256AloneAndSaysOnceThatWhatItOpensIsUnderLess() throws Exception {
        token.hsm.destroy("kek");
        token.hsm.generate("kek", 1, false, 16);
        KeySourceException failed = wrapFails(premises.source(context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("the key is an AES-128 key"), failed::getMessage);
        assertEquals(0, token.calls(Function.C_Encrypt));
        Logger logger = (Logger) LoggerFactory.getLogger(Pkcs11KeySource.class);
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        logger.addAppender(said);
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            token.tamper = (function, arguments) -> {
                if (function == Function.C_GetAttributeValue) {
                    OffHeap attribute = OffHeap.at(arguments[2], Template.ATTRIBUTE_BYTES);
                    if (attribute.getLong(0) == Template.VALUE_LEN) {
                        OffHeap.at(attribute.getLong(Long.BYTES), Long.BYTES).putLong(0, 32);
                    }
                }
            };
            WrappedKey wrapped = source.wrap(key, binding);
            token.tamper = null;
            assertOpens(source, wrapped, key);
            assertOpens(source, wrapped, key);
            assertEquals(1, said.list.size(), said.list::toString);
            assertEquals(Level.WARN, said.list.get(0).getLevel());
            assertTrue(said.list.get(0).getFormattedMessage().contains("AES-128"), said.list::toString);
            // A token that does not tell keeps nobody from a volume.
            token.fault = (function, arguments) -> function == Function.C_GetAttributeValue
                            && OffHeap.at(arguments[2], Long.BYTES).getLong(0) == Template.VALUE_LEN
                    ? Ckr.ATTRIBUTE_TYPE_INVALID
                    : null;
            assertOpens(source, wrapped, key);
        } finally {
            logger.detachAppender(said);
        }
    }

    @Test
    void doesNotChooseBetweenKeysOfOneName() throws Exception {
        token.hsm.generate("kek", 2, false);
        KeySourceException failed = wrapFails(premises.source(context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("several AES keys"), failed::getMessage);
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource second = token.open(context, token.uri("kek;id=%02"))) {
            WrappedKey wrapped = second.wrap(key, binding);
            assertEquals("02", wrapped.version());
            assertOpens(second, wrapped, key);
        }
    }

    @Test
    void aNewKeyInThePlaceOfTheOldOneIsTheWrongKeyAndNoTrouble() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            token.hsm.destroy("kek");
            token.hsm.generate("kek", 1, false);
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, binding));
        }
    }

    @Test
    void aSlotOfAnotherVolumeDoesNotOpen() throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, new Binding(new UUID(7, 7))));
        }
    }

    /** Some tokens take no initialisation vector from others, and say which they took. */
    @Test
    void remembersTheInitialisationVectorThatTheTokenChose() throws Exception {
        byte[] chosen = "its own one!".getBytes(StandardCharsets.US_ASCII);
        token.fault = (function, arguments) -> {
            if (function == Function.C_EncryptInit) {
                long parameters = OffHeap.at(arguments[1], 3 * Long.BYTES).getLong(Long.BYTES);
                long iv = OffHeap.at(parameters, 6 * Long.BYTES).getLong(0);
                OffHeap.at(iv, chosen.length).put(0, chosen);
            }
            return null;
        };
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(key, binding);
            assertArrayEquals(chosen, Arrays.copyOf(wrapped.blob(), chosen.length));
            assertOpens(source, wrapped, key);
        }
    }

    @Test
    void readsThePinFromACredential() throws Exception {
        Path credentials = Files.createDirectory(folder.resolve("credentials"));
        Files.writeString(credentials.resolve("hsm-pin"), SoftHsm.PIN);
        String uri = token.uri("kek").replaceFirst("pin-source=.*", "pin-source=credential:hsm-pin");
        KeySourceContext service =
                new KeySourceContext(engine, credentials, context.environment(), context.input(), context.uses());
        try (Secret key = Secret.random(engine.keys(), 32);
                KeySource source = token.open(service, uri)) {
            assertOpens(source, source.wrap(key, binding), key);
        }
        assertTrue(assertThrows(KeySourceException.class, () -> token.open(context, uri))
                .getMessage()
                .contains("CREDENTIALS_DIRECTORY"));
    }

    /** A pipe gives the PIN but once, and a token may be pulled out more often. */
    @Test
    void keepsAPinThatCameThroughADescriptor() throws Exception {
        keepsSecrets(1);
        try (FileChannel open = FileChannel.open(token.pin);
                Secret key = Secret.random(engine.keys(), 32);
                KeySource source = token.open(
                        context,
                        token.uri("kek").replaceFirst("pin-source=.*", "pin-source=fd:" + descriptorOf(token.pin)))) {
            WrappedKey wrapped = source.wrap(key, binding);
            assertEquals(SoftHsm.PIN.length() + 1, open.size());
            token.writePin("");
            token.hsm.pullOutAndPutBack();
            assertOpens(source, wrapped, key);
        }
    }

    /** A volume each with a key of its own, and one that comes when the configuration is loaded again. */
    @Test
    @Timeout(60)
    void sharesAPinThatCameThroughAPipe() throws Exception {
        keepsSecrets(1);
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        try (FileChannel both = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE);
                Secret key = Secret.random(engine.keys(), 32)) {
            both.write(ByteBuffer.wrap((SoftHsm.PIN + "\n").getBytes(StandardCharsets.UTF_8)));
            String from = "pin-source=fd:" + descriptorOf(pipe);
            WrappedKey wrapped;
            try (KeySource first = token.open(context, token.uri("kek").replaceFirst("pin-source=.*", from));
                    KeySource second = token.open(context, token.uri("other").replaceFirst("pin-source=.*", from))) {
                wrapped = first.wrap(key, binding);
                assertOpens(second, second.wrap(key, binding), key);
            }
            try (KeySource later = token.open(context, token.uri("kek").replaceFirst("pin-source=.*", from))) {
                assertOpens(later, wrapped, key);
            }
        }
    }

    /** The module, and others' logins, are not kept by somebody whose pipe is empty yet. */
    @Test
    @Timeout(60)
    void waitsForAPinWithoutKeepingOthersFromTheToken() throws Exception {
        keepsSecrets(1);
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        ExecutorService waiting = Executors.newSingleThreadExecutor();
        try (FileChannel both = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE);
                Secret key = Secret.random(engine.keys(), 32);
                KeySource waits = token.open(
                        context,
                        token.uri("kek").replaceFirst("pin-source=.*", "pin-source=fd:" + descriptorOf(pipe)));
                KeySource other = premises.otherSource(context)) {
            CountDownLatch begun = new CountDownLatch(1);
            token.fault = (function, arguments) -> {
                if (function == Function.C_GetTokenInfo) {
                    begun.countDown();
                }
                return null;
            };
            Future<WrappedKey> later = waiting.submit(() -> waits.wrap(key, binding));
            begun.await();
            assertOpens(other, other.wrap(key, binding), key);
            assertFalse(later.isDone());
            both.write(ByteBuffer.wrap((SoftHsm.PIN + "\n").getBytes(StandardCharsets.UTF_8)));
            assertOpens(waits, later.get(), key);
        } finally {
            waiting.shutdownNow();
        }
    }

    private static String descriptorOf(Path file) throws Exception {
        Path real = file.toRealPath();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .filter(each -> Files.isSymbolicLink(each) && real.equals(target(each)))
                    .findFirst()
                    .orElseThrow()
                    .getFileName()
                    .toString();
        }
    }

    private static Path target(Path link) {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException closedMeanwhile) {
            return link;
        }
    }

    @Test
    void readsNoPinThatOthersMayRead() throws Exception {
        Files.setPosixFilePermissions(token.pin, PosixFilePermissions.fromString("rw-r--r--"));
        KeySourceException failed = wrapFails(premises.source(context));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("chmod 600"), failed::getMessage);
        assertEquals(0, token.calls(Function.C_Login));
    }

    @Test
    void loadsNoModuleThatOthersCouldChange() throws Exception {
        Path module = Files.copy(token.hsm.module(), folder.resolve("module.so"));
        Files.setPosixFilePermissions(module, PosixFilePermissions.fromString("rwxrwxrwx"));
        String uri = token.uri("kek").replace(token.hsm.module().toString(), module.toString());
        KeySourceException failed = wrapFails(token.open(context, uri));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains("could be changed by others"), failed::getMessage);
    }

    @Test
    void saysWhatIsWrongWithAModule() throws Exception {
        for (String no : List.of("/nowhere/module.so", "/etc/passwd", "/lib64/ld-linux-x86-64.so.2")) {
            String uri = token.uri("kek").replace(token.hsm.module().toString(), no);
            KeySourceException failed = wrapFails(token.open(context, uri));
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains(" cannot be loaded: "), failed::getMessage);
            assertEquals(
                    no.startsWith("/nowhere"),
                    failed.getMessage().contains("there is no such file"),
                    failed::getMessage);
        }
    }
}

package io.blockseal.keysource.allof;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.keysource.exec.ProgramPremises;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A program with an RSA key and a key file, of which a slot needs both. */
class AllOfKeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    private Path keyFile;

    @Override
    protected Premises open() throws Exception {
        keyFile = keyFile("file.key", 7);
        return new Both(new ProgramPremises(folder));
    }

    private Path keyFile(String name, int fill) throws Exception {
        byte[] key = new byte[32];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (fill + 3 * i);
        }
        Path file = Files.write(folder.resolve(name), key);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return file;
    }

    @Override
    protected String asked(KeySource source) {
        return "exec:" + folder.resolve("plugin");
    }

    private KeySource of(KeySource... parts) {
        return new AllOfKeySource(engine, List.of(parts));
    }

    private KeySource file(Path path) throws Exception {
        return KeySourceRegistry.open(KeySourceSpec.parse("file:" + path), context);
    }

    private KeySource named(String place) throws Exception {
        return KeySourceRegistry.open(KeySourceSpec.parse("all-of:" + place), context);
    }

    /** The program with the file beside it. */
    private final class Both implements Premises {
        private final ProgramPremises program;

        Both(ProgramPremises program) {
            this.program = program;
        }

        private KeySource with(KeySource first) throws Exception {
            return of(first, file(keyFile));
        }

        @Override
        public KeySource source(KeySourceContext context) throws Exception {
            return with(program.source(context));
        }

        @Override
        public KeySource hastySource(KeySourceContext context) throws Exception {
            return with(program.hastySource(context));
        }

        @Override
        public boolean hastySourceHasTime() {
            return program.hastySourceHasTime();
        }

        @Override
        public KeySource patientSource(KeySourceContext context) throws Exception {
            return with(program.patientSource(context));
        }

        @Override
        public KeySource otherSource(KeySourceContext context) throws Exception {
            return with(program.otherSource(context));
        }

        @Override
        public String place() {
            return "all-of:?source=" + program.place().replace("%", "%25").replace("&", "%26") + "&source=file:"
                    + keyFile;
        }

        @Override
        public boolean can(Trouble trouble) {
            return program.can(trouble);
        }

        @Override
        public void have(Trouble trouble) throws Exception {
            program.have(trouble);
        }

        @Override
        public boolean hasVersions() {
            return program.hasVersions();
        }

        @Override
        public void rotate() throws Exception {
            program.rotate();
        }

        @Override
        public void close() throws Exception {
            program.close();
        }
    }

    @Test
    void opensOnlyWithEveryPartAndNamesTheOneThatIsWrong() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource both = premises.source(context);
                KeySource program = ((Both) premises).program.source(context);
                KeySource alone = file(keyFile);
                KeySource otherFile = of(program, file(keyFile("other.key", 8)));
                KeySource otherOrder = of(file(keyFile), program);
                KeySource three = of(program, file(keyFile), file(keyFile("third.key", 9)))) {
            WrappedKey wrapped = both.wrap(volumeKey, binding);
            for (KeySource part : List.of(program, alone, otherOrder, three)) {
                assertFalse(part.mayOpen(wrapped), part.reference());
            }
            assertTrue(otherFile.mayOpen(wrapped));
            WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> otherFile.unwrap(wrapped, binding));
            assertTrue(
                    wrong.getMessage().startsWith("part 2 of 2 (file:" + folder + "/other.key): "), wrong::getMessage);
            assertThrows(WrongKeyException.class, () -> otherOrder.unwrap(wrapped, binding));
            // A share of another slot of the same parts opens as such, and yet does not belong there.
            AllOfSlot one = AllOfSlot.decode(wrapped);
            AllOfSlot two = AllOfSlot.decode(both.wrap(volumeKey, binding));
            WrappedKey mixed =
                    new AllOfSlot(List.of(one.parts().get(0), two.parts().get(1)), one.wrappedKey()).encode();
            WrongKeyException strange = assertThrows(WrongKeyException.class, () -> both.unwrap(mixed, binding));
            assertTrue(strange.getMessage().contains("do not belong together"), strange::getMessage);
        }
    }

    /** What is definite is the better answer, whichever part gives it. */
    @ParameterizedTest
    @CsvSource({
        "UNREACHABLE, UNREACHABLE, UNREACHABLE",
        "REFUSED, UNREACHABLE, REFUSED",
        "UNREACHABLE, REFUSED, REFUSED",
        "MISCONFIGURED, REFUSED, REFUSED",
        "THROTTLED, UNREACHABLE, THROTTLED",
        "UNREACHABLE, MISCONFIGURED, MISCONFIGURED",
        "REFUSED, , REFUSED",
        ", UNREACHABLE, UNREACHABLE",
        "wrong, UNREACHABLE, wrong",
        "UNREACHABLE, wrong, wrong",
        "wrong, REFUSED, REFUSED",
        "PIN, UNREACHABLE, PIN",
        "MISCONFIGURED, PIN, PIN",
        "wrong, PIN, PIN",
        "REFUSED, PIN, REFUSED",
    })
    void twoTroublesAreTheOneThatDoesNotPass(String one, String other, String both) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                StubPart first = new StubPart(engine, "a", 40);
                StubPart second = new StubPart(engine, "b", 40);
                KeySource source = of(first, second)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            first.mood = one;
            second.mood = other;
            Exception e = assertThrows(Exception.class, () -> source.unwrap(wrapped, binding));
            assertEquals(
                    both,
                    e instanceof WrongPinException
                            ? "PIN"
                            : e instanceof KeySourceException known
                                    ? known.kind().name()
                                    : "wrong");
            assertTrue(e.getMessage().startsWith("part "), e::getMessage);
            assertEquals(List.of(1, 1), List.of(first.unwraps, second.unwraps));
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 40, 0", "256, 256, 0", "384, 160, 0", "40, 40, 40", "0, 0, 0", "384, 384, -1", "512, 128, -1"})
    void partsFitIntoAKeySlotOrAreRefusedInWords(int one, int other, int third) throws Exception {
        StubPart[] parts = third > 0
                ? new StubPart[] {
                    new StubPart(engine, "a", one), new StubPart(engine, "b", other), new StubPart(engine, "c", third)
                }
                : new StubPart[] {new StubPart(engine, "a%&", one), new StubPart(engine, "b", other)};
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = of(parts)) {
            if (third < 0) {
                KeySourceException e = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
                assertEquals(Kind.MISCONFIGURED, e.kind());
                assertTrue(e.getMessage().contains("do not fit into one key slot: what they wrap"), e::getMessage);
                return;
            }
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertTrue(wrapped.blob().length <= 512 && wrapped.parameters().length <= 128);
            try (Secret opened = source.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
            AllOfSlot slot = AllOfSlot.decode(wrapped);
            assertEquals(parts[0].reference(), slot.parts().get(0).reference());
            assertArrayEquals(wrapped.blob(), slot.encode().blob());
            byte[] longer = Arrays.copyOf(wrapped.parameters(), wrapped.parameters().length + 1);
            assertNull(AllOfSlot.decode(new WrappedKey(
                    wrapped.algorithm(), wrapped.reference(), wrapped.version(), longer, wrapped.blob())));
        }
    }

    @Test
    void addressesThatAreTooLongAreRefusedInWords() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source =
                        of(new StubPart(engine, "a".repeat(128), 40), new StubPart(engine, "b".repeat(128), 40))) {
            KeySourceException e = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
            assertTrue(e.getMessage().contains("their addresses take "), e::getMessage);
        }
    }

    /** No cut or changed byte of what nothing vouches for does more harm than a slot that does not open. */
    @Test
    void nonsenseInASlotIsOnlyNonsense() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = of(new StubPart(engine, "a", 40), new StubPart(engine, "b", 40))) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            for (int i = 0; i < wrapped.blob().length; i++) {
                assertNull(AllOfSlot.decode(with(wrapped, Arrays.copyOf(wrapped.blob(), i))));
                byte[] changed = wrapped.blob().clone();
                changed[i] ^= (byte) 0xff;
                assertThrows(
                        WrongKeyException.class, () -> source.unwrap(with(wrapped, changed), binding), "byte " + i);
            }
        }
    }

    @Test
    void anybodyCanMakeASlotOnlyIfAllItsPartsArePublic() throws Exception {
        StubPart publicOne = new StubPart(engine, "a", 256);
        StubPart publicTwo = new StubPart(engine, "b", 256);
        StubPart secret = new StubPart(engine, "c", 40);
        publicOne.algorithm = WrapAlgorithm.RSA_OAEP_256;
        publicTwo.algorithm = WrapAlgorithm.RSA_OAEP_256;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource forgeable = of(publicOne, publicTwo);
                KeySource safe = of(publicOne, secret)) {
            assertTrue(forgeable.anybodyCanWrap(forgeable.wrap(volumeKey, binding)));
            assertFalse(safe.anybodyCanWrap(safe.wrap(volumeKey, binding)));
        }
    }

    /** Else it would be wrapped anew at each look, for ever. */
    @Test
    void aPartThatMayNotTellItsVersionMakesNoSlotLookOld() throws Exception {
        StubPart one = new StubPart(engine, "one", 0);
        StubPart two = new StubPart(engine, "two", 0);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = of(one, two)) {
            one.version = "1";
            two.version = "7";
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertFalse(source.isOutdated(wrapped));
            one.version = "";
            assertEquals("7", source.newestVersion());
            assertFalse(source.isOutdated(wrapped));
            two.version = "8";
            assertTrue(source.isOutdated(wrapped));
            assertFalse(of(two, one).isOutdated(wrapped));
        }
    }

    @Test
    void aNewerVersionOfAnyPartIsANewerVersion() throws Exception {
        StubPart one = new StubPart(engine, "a", 40);
        StubPart two = new StubPart(engine, "b", 40);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = of(one, two)) {
            assertEquals("", source.newestVersion());
            two.version = "7";
            assertEquals("7", source.newestVersion());
            one.version = "v1";
            assertEquals("v1+7", source.wrap(volumeKey, binding).version());
            one.version = "f".repeat(64);
            String hash = source.newestVersion();
            assertTrue(hash.matches("[0-9a-f]{64}"), hash);
            assertEquals(hash, source.wrap(volumeKey, binding).version());
        }
    }

    @Test
    void destroyingOnePartDestroysTheSlot() throws Exception {
        try (KeySource source = premises.source(context);
                KeySource none = of(new StubPart(engine, "a", 40), new StubPart(engine, "b", 40))) {
            assertNull(source.whyIndestructible());
            String words = source.destroy();
            assertTrue(words.startsWith("part 2 of 2 (file:" + keyFile + "): key file "), words);
            assertTrue(words.contains("opens no more. Not destroyed: exec:"), words);
            assertFalse(Files.exists(keyFile));
            assertNotNull(none.whyIndestructible());
            assertThrows(KeySourceException.class, none::destroy);
        }
    }

    /** One is enough: that another one could not be destroyed does not bring the slot back. */
    @Test
    void aPartThatIsGoneIsEnoughEvenIfAnotherOneCannotBeDestroyed() throws Exception {
        Path away = keyFile("away.key", 8);
        try (KeySource missing = file(away);
                KeySource source = of(missing, file(keyFile));
                KeySource twice = of(missing, file(keyFile))) {
            assertEquals(2, source.parts().size());
            Files.delete(away);
            String words = source.destroy();
            assertTrue(words.startsWith("part 2 of 2 (file:" + keyFile + "): key file "), words);
            assertTrue(words.contains("Not destroyed: part 1 of 2 (file:" + away + "): "), words);
            KeySourceException failed = assertThrows(KeySourceException.class, twice::destroy);
            assertTrue(failed.getMessage().contains("key"), failed::getMessage);
        }
    }

    @Test
    void isNamedByAUriOfUris() throws Exception {
        Path passphrase = Files.writeString(folder.resolve("words"), "correct horse battery staple\n");
        String program = "exec:" + folder.resolve("plugin") + "?arg=" + folder + "%26arg=one";
        // A passphrase takes its time to open a slot: naming one is enough here.
        try (KeySource source = named("?source=" + program + "&source=passphrase:" + passphrase)) {
            assertEquals("all-of:exec:" + folder.resolve("plugin") + "&passphrase:", source.reference());
        }
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = named("?source=" + program + "&source=file:" + keyFile)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            source.unwrap(wrapped, binding).close();
            assertEquals(
                    List.of(KeyUse.Operation.WRAP, KeyUse.Operation.UNWRAP),
                    uses.stream().map(KeyUse::operation).toList());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        ?source=file:/a                                              | names 1 part, and needs 2 to 4
        ?source=file:/a&source=fd:3&source=fd:4&source=fd:5&source=fd:6 | names 5 parts
        ?source=file:/a&source=recovery:                             | names recovery: as a part
        ?source=file:/a&source=all-of:?source=x                      | names all-of: as a part
        ?source=file:/a&source=file:/a                               | twice
        ?source=file:/a&source=nosuch:b                              | there is no key source 'nosuch'
        ?source=file:/a&sauce=file:/b                                | has no option 'sauce'
        ?source=exec:/a?arg=1&arg=2&source=file:/b                   | write the ampersand before it as %26
        prod?source=file:/a&source=fd:3                              | has an address
        """)
    void saysWhatIsWrongWithAUri(String place, String words) {
        KeySourceException e = assertThrows(KeySourceException.class, () -> named(place));
        assertEquals(Kind.MISCONFIGURED, e.kind());
        assertTrue(e.getMessage().contains(words), e::getMessage);
    }

    @Test
    void offersWhatCanBeAPart() {
        String words = assertThrows(KeySourceException.class, () -> named("?source=file:/a&source=nosuch:b"))
                .getMessage();
        assertTrue(words.contains(" credential") && words.contains("passphrase") && words.contains("exec"), words);
        assertTrue(!words.contains("recovery") && !words.contains("all-of,"), words);
    }
}

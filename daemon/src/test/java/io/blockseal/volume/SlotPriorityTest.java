package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.VolumeUnlock;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Which of several keys opens a volume, and which is never tried unless somebody asks for it. */
class SlotPriorityTest {
    private final VolumeFixture fixture = new VolumeFixture();
    private final List<Integer> asked = new ArrayList<>();
    private MemoryStore store = new MemoryStore("none", 0);

    /** Three slots, 0 to 2, of the keys 1 to 3. */
    @BeforeEach
    void create() throws Exception {
        store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(3), "three");
        }
    }

    private void set(int slot, KeySlotPriority priority) throws Exception {
        try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.withKeySlot(0))) {
            volume.keySlots().setPriority(slot, priority);
        }
    }

    private Volume open(KeySource... sources) throws Exception {
        return open(OpenOptions.DEFAULT, sources);
    }

    private Volume open(OpenOptions options, KeySource... sources) throws Exception {
        asked.clear();
        return fixture.opener().open(VolumeStores.inBand(store), List.of(sources), options);
    }

    /** A key that only its own slot is shown to, and that notes when it is asked. */
    private KeySource key(int fill, @Nullable Kind trouble) {
        return new Noting(
                fixture.key(fill),
                fill,
                trouble == null ? null : new KeySourceException(trouble, "key " + fill + ": " + trouble),
                false);
    }

    /** One that gives some other key for the volume's. */
    private KeySource mixedUp(int fill) {
        return new Noting(fixture.key(fill), fill, null, true);
    }

    /** One that does not let us in. */
    private KeySource badPin(int fill) {
        return new Noting(fixture.key(fill), fill, new WrongPinException("key " + fill + ": wrong PIN"), false);
    }

    @Test
    void firstComesBeforeNormalWhateverTheNumbersAndTheOrderOfTheKeys() throws Exception {
        set(2, KeySlotPriority.FIRST);
        open(key(1, null), key(2, null), key(3, null)).close();
        assertEquals(List.of(3), asked);
        set(2, KeySlotPriority.NORMAL);
        open(key(3, null), key(2, null), key(1, null)).close();
        assertEquals(List.of(1), asked);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void goesOnToTheNextSlotWhereOneCannotBeAsked(Kind trouble) throws Exception {
        set(1, KeySlotPriority.FIRST);
        open(key(1, trouble), key(2, trouble), key(3, null)).close();
        assertEquals(List.of(2, 1, 3), asked);
    }

    /** A service may answer for another volume, and one key that is mixed up must not cost the others. */
    @Test
    void goesOnToTheNextSlotWhereASourceGivesAnotherKey() throws Exception {
        try (AuditLines audit = AuditLines.listen();
                Volume volume = open(mixedUp(1), key(2, Kind.UNREACHABLE), key(3, null))) {
            assertEquals(List.of(1, 2, 3), asked);
            List<String> accepted = audit.of(AuditEvent.KEY_ACCEPTED).stream()
                    .map(Object::toString)
                    .toList();
            assertEquals(1, accepted.size(), accepted::toString);
            assertTrue(accepted.get(0).contains("slot=2"), accepted::toString);
            assertEquals(
                    "test:1 gives another key than the volume's (key slot 0); and another key slot: key 2: THROTTLED",
                    volume.keySlots().requireOpenable(List.of(mixedUp(1), key(2, Kind.THROTTLED), key(3, null))));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"REFUSED", "MISCONFIGURED"})
    void saysOfTheFirstSourceThatGivesAnotherKeyIfNoneOpensIt(Kind trouble) throws Exception {
        MalformedVolumeException strange =
                assertThrows(MalformedVolumeException.class, () -> open(key(1, trouble), mixedUp(2), mixedUp(3)));
        assertEquals(List.of(1, 2, 3), asked, "once each, though there are two roots");
        assertEquals("mac", strange.field());
        assertTrue(strange.getMessage().contains("(that of key slot 1)"), strange::getMessage);
        assertTrue(strange.getMessage().contains("key 1: " + trouble), strange::getMessage);
        assertTrue(
                strange.getMessage().contains("test:3 gives another key than the volume's (key slot 2)"),
                strange::getMessage);
        assertFalse(strange.getMessage().contains("(key slot 1)"), () -> "twice: " + strange.getMessage());
        try (Volume volume = fixture.open(store)) {
            WrongKeyException wrong = assertThrows(
                    WrongKeyException.class, () -> volume.keySlots().requireOpenable(List.of(mixedUp(2))));
            assertEquals(
                    "vol: key slot 1: key: is another volume's; slot 0 was made with test:1; slot 2 was made with"
                            + " test:3; given was test:2",
                    wrong.getMessage());
        }
    }

    /** A source that is down for a minute must not end a daemon because another one is mixed up. */
    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"UNREACHABLE", "THROTTLED"})
    void waitsForASourceThatMayStillOpenItThoughAnotherGivesAnotherKey(Kind away) throws Exception {
        KeySourceException waits = assertThrows(KeySourceException.class, () -> open(mixedUp(1), key(2, away)));
        assertEquals(List.of(1, 2), asked, "once each, though there are two roots");
        assertEquals(away, waits.kind());
        assertTrue(waits.getMessage().startsWith("key 2: " + away + "; and another key slot: "), waits::getMessage);
        assertTrue(
                waits.getMessage().contains("test:1 gives another key than the volume's (key slot 0)"),
                waits::getMessage);
    }

    /** It may be the root that is damaged, and not the key that is another: its other copy has the same key slots. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void opensTheOtherRootThoughOneOfTheSourcesIsAway(int damaged) throws Exception {
        byte[] good;
        int macBit;
        try (Volume volume = fixture.open(store)) {
            good = volume.root().image();
            macBit = Byte.SIZE * volume.root().macInput().length;
        }
        store.poke(MetadataLayout.rootOffset(damaged), Forger.flipped(good, macBit));
        try (Volume volume = open(key(1, null), key(2, Kind.UNREACHABLE))) {
            assertArrayEquals(good, volume.root().image());
        }
        assertEquals(damaged == 0 ? List.of(1, 2) : List.of(1), asked);
        assertArrayEquals(good, store.peek(MetadataLayout.rootOffset(damaged), good.length), "healed");
    }

    /** A service counts questions, and a token its tries: a start must not cost more of them the worse the disk is. */
    @Test
    void asksOnceForEachSlotHoweverManyRootsHaveIt() throws Exception {
        MemoryStore mirror = new MemoryStore("mirror", 0);
        byte[] altered;
        try (Volume volume = openMirrored(mirror, fixture.key(1))) {
            altered = Forger.flipped(
                    volume.root().image(), Byte.SIZE * volume.root().macInput().length);
        }
        store.poke(MetadataLayout.rootOffset(0), altered);
        store.poke(MetadataLayout.rootOffset(1), altered);
        mirror.poke(MetadataLayout.rootOffset(0), altered);
        asked.clear();
        openMirrored(mirror, key(1, null), key(2, Kind.UNREACHABLE), mixedUp(3)).close();
        assertEquals(List.of(1, 2, 3), asked);
    }

    private Volume openMirrored(MemoryStore mirror, KeySource... sources) throws Exception {
        return fixture.opener()
                .open(VolumeStores.inBand(store).mirroredOn(mirror), List.of(sources), OpenOptions.DEFAULT);
    }

    /** As the power leaves them that fails while a key is removed: most slots are the same ones. */
    @Test
    void asksOnceForASlotThatOlderKeySlotsHaveToo() throws Exception {
        byte[] root = store.peek(MetadataLayout.rootOffset(1), MetadataLayout.BLOCK_BYTES);
        byte[] slots = store.peek(MetadataLayout.keySlotAreaOffset(1), KeySlotArea.AREA_BYTES);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().remove(2, false);
        }
        store.poke(MetadataLayout.rootOffset(1), root);
        store.poke(MetadataLayout.keySlotAreaOffset(1), slots);
        assertThrows(KeySourceException.class, () -> open(mixedUp(1), key(2, Kind.UNREACHABLE), key(3, Kind.REFUSED)));
        assertEquals(List.of(1, 2, 3), asked);
    }

    /** Nobody may find out of it only when the token has locked itself. */
    @Test
    void warnsOfAWrongPinThoughAnotherKeyOpensTheVolume() throws Exception {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger speaker = (Logger) LoggerFactory.getLogger(VolumeUnlock.class);
        log.start();
        speaker.addAppender(log);
        try (Volume volume = open(badPin(1), key(2, null))) {
            assertEquals(
                    List.of("volume=vol: another key slot could not be used: key 1: wrong PIN"),
                    log.list.stream()
                            .filter(line -> line.getLevel() == Level.WARN)
                            .map(ILoggingEvent::getFormattedMessage)
                            .toList());
            assertEquals("key 1: wrong PIN", volume.keySlots().requireOpenable(List.of(badPin(1), key(2, null))));
        } finally {
            speaker.detachAppender(log);
        }
    }

    /** A service manager starts a daemon again that waits for an operator, and not one whose key is wrong: tries are few. */
    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"REFUSED", "MISCONFIGURED"})
    void aWrongPinIsAWrongKeyAndNoRevocationWhateverElseDoesNotHelp(Kind other) throws Exception {
        WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> open(badPin(1), key(2, other)));
        assertEquals(
                "vol: no key slot opens with the given keys; key 1: wrong PIN; and another key slot: key 2: " + other
                        + "; slot 2 was made with test:3; given was test:1, test:2",
                wrong.getMessage());
        assertThrows(WrongKeyException.class, () -> open(key(1, other), badPin(2)));
        assertThrows(WrongKeyException.class, () -> open(badPin(1)));
        try (Volume volume = fixture.open(store)) {
            assertThrows(WrongKeyException.class, () -> volume.keySlots()
                    .requireOpenable(List.of(key(1, Kind.REFUSED), badPin(2))));
        }
    }

    @Test
    void aWrongPinEndsNothingWhileAnotherSourceMayStillOpenIt() {
        KeySourceException waits =
                assertThrows(KeySourceException.class, () -> open(badPin(1), key(2, Kind.UNREACHABLE)));
        assertEquals(Kind.UNREACHABLE, waits.kind());
        assertTrue(
                waits.getMessage().startsWith("key 2: UNREACHABLE; and another key slot: key 1: wrong PIN; slot 2"),
                waits::getMessage);
    }

    /** Whoever has no key must not be able to change anything by trying, and a mirror is not healed on a guess. */
    @Test
    void aTryThatOpensNothingWritesNothing() throws Exception {
        MemoryStore mirror = new MemoryStore("mirror", 0);
        openMirrored(mirror, fixture.key(1)).close();
        store.poke(MetadataLayout.rootOffset(1), new byte[MetadataLayout.BLOCK_BYTES]);
        String before = store.fingerprint() + mirror.fingerprint();
        for (KeySource useless : List.of(
                key(7, null), fixture.key(7), key(1, Kind.REFUSED), key(1, Kind.UNREACHABLE), mixedUp(1), badPin(1))) {
            assertThrows(Exception.class, () -> openMirrored(mirror, useless).close());
            assertEquals(before, store.fingerprint() + mirror.fingerprint(), useless.reference());
        }
        openMirrored(mirror, fixture.key(1)).close();
        assertNotEquals(before, store.fingerprint() + mirror.fingerprint(), "with a key it is healed");
    }

    /** What somebody has mistyped must be seen although another source is down as well. */
    @Test
    void saysOfEverySlotAlsoWhereASourceIsAway() throws Exception {
        KeySourceException waits =
                assertThrows(KeySourceException.class, () -> open(key(7, null), key(2, Kind.UNREACHABLE)));
        assertEquals(
                "key 2: UNREACHABLE; slot 0 was made with test:1; slot 2 was made with test:3; given was test:7,"
                        + " test:2",
                waits.getMessage());
    }

    /** A slip of the pen in an address is found by looking at both of them. */
    @Test
    void saysOfEverySlotWhyItWasNotTried() throws Exception {
        try (Volume volume = fixture.open(store);
                RecoveryKeySource recovery = RecoveryKeySource.generate(fixture.engine())) {
            volume.keySlots().add(List.of(fixture.key(1)), recovery, "paper");
        }
        set(1, KeySlotPriority.ON_REQUEST);
        WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> open(key(7, null), key(8, null)));
        assertEquals(
                "vol: no key slot opens with the given keys; slot 0 was made with test:1; slot 2 was made with test:3;"
                        + " slot 1 was made with test:2; slot 3 is a recovery key's, which is tried only with"
                        + " --recovery-key-file; given was test:7, test:8",
                wrong.getMessage());
        wrong = assertThrows(WrongKeyException.class, () -> open(OpenOptions.DEFAULT.withKeySlot(9), fixture.key(1)));
        assertEquals("vol: no key slot opens with the given keys; slot 9 holds no key", wrong.getMessage());
    }

    @Test
    void saysNothingOfWhatWasGivenWhereItWasTried() throws Exception {
        WrongKeyException wrong =
                assertThrows(WrongKeyException.class, () -> open(OpenOptions.DEFAULT.withKeySlot(0), fixture.key(7)));
        assertEquals("vol: no key slot opens with the given keys; slot 0: test: another key", wrong.getMessage());
    }

    @Test
    void neverTriesWhatIsOnRequestByItself() throws Exception {
        set(1, KeySlotPriority.ON_REQUEST);
        KeySourceException e = assertThrows(
                KeySourceException.class, () -> open(key(1, Kind.UNREACHABLE), key(2, null), key(3, Kind.UNREACHABLE)));
        assertEquals(Kind.UNREACHABLE, e.kind());
        assertEquals(List.of(1, 3), asked);
        WrongKeyException wrong = assertThrows(WrongKeyException.class, () -> open(key(2, null)));
        assertTrue(wrong.getMessage().contains("slot 1: opens on request only: --key-slot 1"), wrong::getMessage);
        assertEquals(List.of(), asked);
        open(OpenOptions.DEFAULT.withKeySlot(1), key(1, null), key(2, null)).close();
        assertEquals(List.of(2), asked);
    }

    @Test
    void aKeyThatIsGivenToAnOpenVolumeIsARequest() throws Exception {
        set(1, KeySlotPriority.ON_REQUEST);
        try (Volume volume = open(key(1, null))) {
            volume.keySlots().requireOpenedBy(key(2, null));
            assertThrows(WrongKeyException.class, () -> volume.keySlots().requireOpenable(List.of(key(2, null))));
            volume.lock().lock(VolumeLock.Policy.FAIL);
            volume.lock().unlock(List.of(key(2, null)));
            assertEquals(Volume.State.OPEN, volume.state());
            // What locks by itself unlocks by itself: by the same slots.
            long order = volume.lock().lockUnlessLocked(VolumeLock.Policy.FAIL);
            assertThrows(WrongKeyException.class, () -> volume.lock().unlockUnlessWanted(order, List.of(key(2, null))));
            assertTrue(volume.lock().unlockUnlessWanted(order, List.of(key(1, null))));
        }
        try (Volume volume = open(OpenOptions.DEFAULT.withKeySlot(1), key(2, null))) {
            assertNull(volume.keySlots().requireOpenable(List.of(key(2, null))));
            assertThrows(WrongKeyException.class, () -> volume.keySlots().requireOpenable(List.of(key(1, null))));
            long order = volume.lock().lockUnlessLocked(VolumeLock.Policy.FAIL);
            assertTrue(volume.lock().unlockUnlessWanted(order, List.of(key(2, null))));
        }
    }

    @Test
    void tellsOfKeysThatCouldNotBeUsedBeforeTheOneThatOpens() throws Exception {
        try (Volume volume = fixture.open(store)) {
            assertEquals(
                    "key 1: THROTTLED; and another key slot: key 2: REFUSED",
                    volume.keySlots()
                            .requireOpenable(List.of(key(1, Kind.THROTTLED), key(2, Kind.REFUSED), key(3, null))));
        }
    }

    /** Waiting helps if it helps one of them, and no is an answer only if it is everybody's. */
    @ParameterizedTest
    @CsvSource({
        "REFUSED, REFUSED, REFUSED",
        "REFUSED, UNREACHABLE, UNREACHABLE",
        "UNREACHABLE, REFUSED, UNREACHABLE",
        "MISCONFIGURED, REFUSED, MISCONFIGURED",
        "REFUSED, MISCONFIGURED, MISCONFIGURED",
        "MISCONFIGURED, UNREACHABLE, UNREACHABLE",
        "THROTTLED, MISCONFIGURED, THROTTLED",
        "THROTTLED, UNREACHABLE, THROTTLED",
    })
    void twoTroublesAreWhatCanBeWaitedFor(Kind one, Kind other, Kind both) {
        KeySourceException e = assertThrows(KeySourceException.class, () -> open(key(1, one), key(2, other)));
        assertEquals(both, e.kind());
        assertTrue(e.getMessage().contains("key 1: " + one), e::getMessage);
        assertTrue(e.getMessage().contains("key 2: " + other), e::getMessage);
    }

    @Test
    void aRecoveryKeyStaysOnRequest() throws Exception {
        try (Volume volume = fixture.open(store);
                RecoveryKeySource recovery = RecoveryKeySource.generate(fixture.engine())) {
            VolumeRefusedException added = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                    .add(List.of(fixture.key(1)), recovery, "paper", KeySlotPriority.NORMAL));
            assertEquals(Reason.UNSUITABLE, added.reason());
            int slot = volume.keySlots().add(List.of(fixture.key(1)), recovery, "paper", KeySlotPriority.ON_REQUEST);
            assertEquals(0, volume.keySlots().list().get(slot).priority());
            String before = store.fingerprint();
            VolumeRefusedException set = assertThrows(
                    VolumeRefusedException.class, () -> volume.keySlots().setPriority(slot, KeySlotPriority.FIRST));
            assertTrue(set.getMessage().contains("on request only; nothing was changed"), set::getMessage);
            assertEquals(before, store.fingerprint());
            // Another key in its place is tried by itself again, and the other way round.
            volume.keySlots().rewrap(slot, List.of(fixture.key(1)), fixture.key(4));
            assertEquals(1, volume.keySlots().list().get(slot).priority());
            volume.keySlots().rewrap(slot, List.of(fixture.key(1)), recovery);
            assertEquals(0, volume.keySlots().list().get(slot).priority());
        }
    }

    @Test
    void aSlotKeepsItsPriorityUnderAnotherKeyAndAnotherVolumeKey() throws Exception {
        try (Volume volume = fixture.open(store)) {
            int slot = volume.keySlots().add(List.of(fixture.key(1)), fixture.key(4), "four", KeySlotPriority.FIRST);
            volume.keySlots().rewrap(slot, List.of(fixture.key(1)), fixture.key(5));
            assertEquals(2, volume.keySlots().list().get(slot).priority());
        }
        try (Volume volume = open(key(1, null), key(5, null))) {
            assertEquals(List.of(5), asked);
            assertEquals(4, volume.keySlots().list().size());
        }
    }

    @Test
    void isToldToAuditorsAndRefusedOfAFreeSlot() throws Exception {
        try (Volume volume = fixture.open(store);
                AuditLines audit = AuditLines.listen()) {
            volume.keySlots().setPriority(2, KeySlotPriority.ON_REQUEST);
            String line = audit.of(AuditEvent.KEY_SLOT_PRIORITY).get(0).toString();
            assertTrue(line.contains("slot=2") && line.contains("priority=on-request"), line);
            for (int free : new int[] {-1, 3, 16}) {
                assertThrows(
                        VolumeRefusedException.class, () -> volume.keySlots().setPriority(free, KeySlotPriority.FIRST));
            }
        }
    }

    /** At every moment of a change that the power cut ends, all three keys open the volume. */
    @Test
    void losesNoKeyWhenThePowerFails() throws Exception {
        try (Volume volume = fixture.open(store)) {
            store.startRecording();
            volume.keySlots().setPriority(1, KeySlotPriority.FIRST);
        }
        Random random = new Random(1);
        for (int count = 0; count <= store.operations().size(); count++) {
            MemoryStore found = store.afterPowerCut(count, MemoryStore.Unflushed.KEPT, 0, random);
            for (int key = 1; key <= 3; key++) {
                try (Volume volume = fixture.opener()
                        .open(VolumeStores.inBand(found), List.of(fixture.key(key)), OpenOptions.DEFAULT)) {
                    assertEquals(3, volume.keySlots().list().size());
                }
            }
        }
    }

    private final class Noting implements KeySource {
        private final TestKeySource source;
        private final int fill;
        private final @Nullable KeySourceException trouble;
        private final boolean mixedUp;

        Noting(TestKeySource source, int fill, @Nullable KeySourceException trouble, boolean mixedUp) {
            this.source = source;
            this.fill = fill;
            this.trouble = trouble;
            this.mixedUp = mixedUp;
        }

        @Override
        public String kind() {
            return source.kind();
        }

        @Override
        public String reference() {
            return source.reference();
        }

        @Override
        public int slotPriority() {
            return source.slotPriority();
        }

        @Override
        public boolean mayOpen(WrappedKey wrapped) {
            return wrapped.reference().equals(reference());
        }

        @Override
        public WrappedKey wrap(Secret volumeKey, Binding binding) {
            return source.wrap(volumeKey, binding);
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            asked.add(fill);
            if (trouble != null) {
                throw trouble;
            }
            return mixedUp ? Secret.random(fixture.engine().keys(), 32) : source.unwrap(wrapped, binding);
        }

        @Override
        public void close() {}
    }
}

package io.blockseal.keysource.tang;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** A real Tang server, what its administrator does to it, and what stands between it and us. */
class TangKeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    @Override
    protected Premises open() throws Exception {
        return new TangPremises(folder);
    }

    private TangPremises tang() {
        return (TangPremises) premises;
    }

    private void assertOpens(KeySource source, WrappedKey wrapped, Secret volumeKey) throws Exception {
        try (Secret opened = source.unwrap(wrapped, binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
        }
    }

    private KeySourceException failure(KeySource source) {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
        }
    }

    private byte[] bytes(Secret key) {
        ByteBuffer copy = ByteBuffer.allocate(64);
        engine.keys().copyOut(key.key(), SecretAccess.TEST_ORACLE, copy);
        return Arrays.copyOf(copy.array(), copy.position());
    }

    /** Without TLS, over connections that stay open, as Tang is mostly run. */
    @Test
    void speaksPlainHttpAsWell() throws Exception {
        String uri = "tang:" + tang().tangd.listen() + "?thumbprint=" + tang().pin;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = TangPremises.open(context, uri, Backoff.DEFAULT)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertOpens(source, wrapped, volumeKey);
            assertEquals(tang().tangd.thumbprint("ECMR"), wrapped.version());
            assertEquals(wrapped.version(), source.newestVersion());
        }
    }

    /** The configuration of docs/keysources.md, word by word but for the server's name and its thumbprint. */
    @Test
    void servesUnderTheUriOfTheDocs() throws Exception {
        String docs = Files.readString(Path.of("..", "docs", "keysources.md"));
        String printed = docs.replaceFirst("(?s).*\nsource=\"(tang:[^\"]+)\"\n.*", "$1");
        String uri = printed.replace("http://tang.example.org:80", tang().tangd.listen())
                .replaceFirst("thumbprint=.{43}$", "thumbprint=" + tang().pin);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = TangPremises.open(context, uri, Backoff.DEFAULT)) {
            assertOpens(source, source.wrap(volumeKey, binding), volumeKey);
        }
    }

    @Test
    void opensForTheVolumeOnlyThatItWrappedFor() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, new Binding(new UUID(1, 2))));
        }
    }

    /** With the server's private key jose and the JDK open what we wrapped: it is what docs/format.md says. */
    @Test
    void wrapsByThePointThatJoseComesToAsWell() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            byte[] blob = source.wrap(volumeKey, binding).blob();
            String client = JoseOracle.jwk(Arrays.copyOf(blob, 67));
            String server = Files.readString(tang().tangd.shown("ECMR").get(0));
            String agreed = new JoseOracle(folder).exchange(server, client);
            byte[] points = Arrays.copyOf(blob, 201);
            byte[] opened = JoseOracle.unwrap(
                    JoseOracle.kek(agreed, binding.volume(), points), Arrays.copyOfRange(blob, 201, 241));
            assertArrayEquals(bytes(volumeKey), opened);
        }
    }

    /** And we open by way of the server what was wrapped by a key that jose agreed on with its public key. */
    @Test
    void opensWhatWasWrappedByAKeyOfJose() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            String client = JoseOracle.newKey();
            String server = Files.readString(tang().tangd.shown("ECMR").get(0));
            String offered = JoseOracle.jwk(JoseOracle.compressed(server));
            String agreed = new JoseOracle(folder).exchange(client, offered);
            byte[] points = ByteBuffer.allocate(201)
                    .put(JoseOracle.compressed(client))
                    .put(JoseOracle.compressed(server))
                    .put(JoseOracle.compressed(
                            Files.readString(tang().tangd.shown("ES512").get(0))))
                    .array();
            byte[] wrapped = JoseOracle.wrap(JoseOracle.kek(agreed, binding.volume(), points), bytes(volumeKey));
            WrappedKey slot = new WrappedKey(
                    WrapAlgorithm.ECMR_HKDF_KWP,
                    source.reference(),
                    tang().tangd.thumbprint("ECMR"),
                    new byte[0],
                    ByteBuffer.allocate(241).put(points).put(wrapped).array());
            assertOpens(source, slot, volumeKey);
        }
    }

    /** Who listens learns nothing, and cannot tell that it is the same volume. */
    @Test
    void asksForAnotherPointEachTimeAndNeverForTheOneOfTheSlot() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertOpens(source, wrapped, volumeKey);
            assertOpens(source, wrapped, volumeKey);
            assertEquals(
                    2,
                    tang().asked.stream()
                            .filter(each -> each.startsWith("POST /rec/"))
                            .count());
            String own = JoseOracle.jwk(Arrays.copyOf(wrapped.blob(), 67)).replaceFirst(".*\"x\":\"([^\"]+)\".*", "$1");
            assertTrue(tang().asked.stream().noneMatch(each -> each.contains(own)));
        }
    }

    /** After a rotation the server shows the old signing key no more; the slot remembers what it is. */
    @Test
    void keepsTrustingTheOldSigningKeyAfterARotation() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey old;
            try (KeySource source = premises.source(context)) {
                old = source.wrap(volumeKey, binding);
            }
            premises.rotate();
            try (KeySource restarted = premises.source(context)) {
                assertTrue(restarted.mayOpen(old));
                assertNotEquals(old.version(), restarted.newestVersion());
                WrappedKey fresh = restarted.rewrap(old, volumeKey, binding);
                assertEquals(tang().tangd.thumbprint("ECMR"), fresh.version());
                assertOpens(restarted, fresh, volumeKey);
                assertOpens(restarted, old, volumeKey);
            }
            try (KeySource ignorant = premises.source(context)) {
                KeySourceException untold = failure(ignorant);
                assertEquals(Kind.MISCONFIGURED, untold.kind());
                assertTrue(untold.getMessage().contains("tang-show-keys"), untold::getMessage);
            }
        }
    }

    /** What the docs ask for before hidden keys are removed, and what mends a slot if that was forgotten. */
    @Test
    void aSlotLearnsTheSigningKeyThatIsPinnedNowAndFollowsTheNextRotation() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey slot;
            try (KeySource source = premises.source(context)) {
                WrappedKey old = source.wrap(volumeKey, binding);
                premises.rotate();
                slot = source.rewrap(old, volumeKey, binding);
                assertFalse(source.isOutdated(slot), "its version is the newest, and it knows the key that is pinned");
            }
            tang().tangd.removeHidden();
            String shown = "thumbprint=" + tang().tangd.thumbprint("ES512");
            try (KeySource source = tang().source(context, shown)) {
                assertTrue(source.isOutdated(slot));
                slot = source.rewrap(slot, volumeKey, binding);
                assertFalse(source.isOutdated(slot));
            }
            premises.rotate();
            try (KeySource restarted = tang().source(context, shown)) {
                assertTrue(restarted.isOutdated(slot));
                slot = restarted.rewrap(slot, volumeKey, binding);
                assertEquals(tang().tangd.thumbprint("ECMR"), slot.version());
                assertOpens(restarted, slot, volumeKey);
            }
        }
    }

    @Test
    void onFirstUseASlotRemembersASigningKeyThatIsStillShown() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey slot;
            try (KeySource source = tang().source(context, "trust=first-use")) {
                slot = source.wrap(volumeKey, binding);
            }
            for (int rotations = 0; rotations < 2; rotations++) {
                premises.rotate();
                try (KeySource restarted = tang().source(context, "trust=first-use")) {
                    assertOpens(restarted, slot, volumeKey);
                    assertTrue(restarted.isOutdated(slot));
                    slot = restarted.rewrap(slot, volumeKey, binding);
                    assertOpens(restarted, slot, volumeKey);
                }
                tang().tangd.removeHidden();
            }
        }
    }

    @Test
    void trustsTheFirstSigningKeyOnlyIfItIsToldSoAndThenOnlyThat() throws Exception {
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(SigningKey.class);
        logger.addAppender(lines);
        lines.start();
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource first = tang().source(context, "trust=first-use")) {
            WrappedKey wrapped = first.wrap(volumeKey, binding);
            assertTrue(lines.list.get(0).getFormattedMessage().contains("thumbprint=" + tang().pin));
            premises.rotate();
            try (KeySource restarted = tang().source(context, "trust=first-use")) {
                assertOpens(restarted, wrapped, volumeKey);
                WrappedKey fresh = restarted.rewrap(wrapped, volumeKey, binding);
                assertOpens(restarted, fresh, volumeKey);
                assertTrue(tang().asked.stream().anyMatch(each -> each.startsWith("GET /adv/" + tang().pin)));
            }
            assertEquals(1, lines.list.size());
            // Another server in its place opens nothing and is not trusted with a new key.
            premises.have(Trouble.DELETED);
            assertEquals(Kind.REFUSED, failure(first).kind());
        } finally {
            logger.detachAppender(lines);
        }
    }

    /** After a restart an impostor may be there first; the slot knows better, and is not wrapped for the impostor. */
    @Test
    void aSlotThatIsOpenGoesBeforeWhatWasSeenFirst() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context);
                Tangd impostor = Tangd.open(folder.resolve("impostor"));
                KeySource restarted = tang().source(context, "trust=first-use")) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            tang().insteadUnder = "/adv";
            tang().instead = impostor.answer(new Ask("GET", "/adv", Map.of(), Map.of(), new byte[0]));
            assertEquals(impostor.thumbprint("ECMR"), restarted.newestVersion());
            KeySourceException refused =
                    assertThrows(KeySourceException.class, () -> restarted.rewrap(wrapped, volumeKey, binding));
            assertEquals(Kind.MISCONFIGURED, refused.kind());
            assertTrue(
                    refused.getMessage().contains("has not signed")
                            || refused.getMessage().contains("does not show"),
                    refused::getMessage);
        }
    }

    /** A slot that somebody made says which key to trust only once it has been opened. */
    @Test
    void aSlotThatWasNotOpenedVouchesForNoSigningKey() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = tang().source(context, "trust=first-use")) {
            byte[] forged = source.wrap(volumeKey, binding).blob();
            System.arraycopy(forged, 0, forged, 134, 67);
            try (KeySource fresh = tang().source(context, "trust=first-use")) {
                WrappedKey slot = with(source.wrap(volumeKey, binding), forged);
                assertTrue(fresh.mayOpen(slot));
                assertThrows(WrongKeyException.class, () -> fresh.unwrap(slot, binding));
                assertEquals(tang().tangd.thumbprint("ECMR"), fresh.newestVersion());
            }
        }
    }

    @Test
    void aServerWithOtherSigningKeysIsNotTrusted() throws Exception {
        try (KeySource source = tang().source(context, "thumbprint=" + "A".repeat(43))) {
            assertEquals(Kind.REFUSED, failure(source).kind());
        }
        try (Tangd impostor = Tangd.open(folder.resolve("impostor"));
                KeySource source = premises.source(context)) {
            source.newestVersion();
            tang().instead = impostor.answer(new Ask("GET", "/adv", Map.of(), Map.of(), new byte[0]));
            KeySourceException refused = failure(source);
            assertEquals(Kind.MISCONFIGURED, refused.kind());
            assertTrue(refused.getMessage().contains("has not signed"), refused::getMessage);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "401, UNREACHABLE",
        "403, UNREACHABLE",
        "302, UNREACHABLE",
        "408, UNREACHABLE",
        "502, UNREACHABLE",
        "429, THROTTLED",
        "400, MISCONFIGURED",
        "404, MISCONFIGURED",
        "405, MISCONFIGURED"
    })
    void whatIsNotTangsWordIsNoRefusal(int status, Kind kind) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            tang().instead = Reply.json(status, "{}");
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertEquals(kind, failure(source).kind());
            tang().instead = null;
            assertOpens(source, wrapped, volumeKey);
        }
    }

    /** An answer that is on no curve, on another, or is the point at infinity must not come near our scalar. */
    @Test
    void takesNoPointsThatAreNone() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            String good = JoseOracle.jwk(Arrays.copyOf(wrapped.blob(), 67));
            tang().insteadUnder = "/rec/";
            for (String bad : new String[] {
                good.replaceFirst("\"x\":\".{8}", "\"x\":\"AAAAAAAA"),
                good.replace("P-521", "P-256"),
                good.replaceFirst("\"y\":\"[^\"]+\"", "\"y\":\"" + "A".repeat(88) + "\""),
                good.replaceFirst("\"y\"", "\"z\""),
                "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
                "[]",
                ""
            }) {
                tang().instead = Reply.json(200, bad);
                KeySourceException failed =
                        assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding), bad);
                assertEquals(Kind.MISCONFIGURED, failed.kind(), failed::getMessage);
            }
            // A point of the curve that is simply another one leads to another key.
            tang().instead = Reply.json(200, good);
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, binding));
        }
    }

    @Test
    void doesNotOpenASlotWithAnyPartAltered() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            for (int part : new int[] {0, 1, 67, 68, 134, 135, 201}) {
                byte[] altered = wrapped.blob().clone();
                altered[part] ^= 1;
                assertThrows(
                        WrongKeyException.class, () -> source.unwrap(with(wrapped, altered), binding), "byte " + part);
            }
        }
    }

    @Test
    void doesNotSpeakToAServerWhoseCertificateNobodyVouchesFor() throws Exception {
        String uri = "tang:" + tang().rest.url() + "?thumbprint=" + tang().pin;
        try (KeySource source = TangPremises.open(context, uri, Backoff.DEFAULT)) {
            KeySourceException failed = failure(source);
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(failed.getMessage().contains("ca-file"), failed::getMessage);
        }
        assertEquals(0, tang().asked.size());
    }

    @Test
    void isMadeOfNoKeyThatIsItsOwn() throws Exception {
        try (KeySource source = premises.source(context)) {
            assertEquals("tang", source.kind());
            assertFalse(source.whyIndestructible().isEmpty());
        }
    }
}

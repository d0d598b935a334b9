package io.blockseal.keysource.kmip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a stub: all that a real server cannot be brought to. {@link PyKmipTest} has the real one. */
class KmipKeySourceTest extends SourceContract {
    private static final Binding OTHER_VOLUME = new Binding(UUID.fromString("11111111-89ab-cdef-0123-456789abcdef"));

    @TempDir
    static Path folder;

    private static KmipCertificates certificates;

    private StubPremises place;
    private KmipStub stub;

    @BeforeAll
    static void makeCertificates() throws Exception {
        certificates = KmipCertificates.make(folder);
    }

    @Override
    protected Premises open() throws Exception {
        place = new StubPremises(certificates);
        stub = place.stub;
        return place;
    }

    private KeySourceException fails(KeySource source) {
        return assertThrows(KeySourceException.class, source::newestVersion);
    }

    private void assertOpens(KeySource source, WrappedKey wrapped, Secret volumeKey) throws Exception {
        try (Secret opened = source.unwrap(wrapped, binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
        }
    }

    @ParameterizedTest
    @EnumSource(ServerCipher.class)
    void wrapsAndUnwrapsByEachModeAndBindsToTheVolume(ServerCipher cipher) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context, "name/kek", "&cipher=" + cipher);
                // A slot says by which mode it was made: the option is for new ones.
                KeySource reader = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertEquals(cipher.code(), wrapped.blob()[0]);
            assertOpens(reader, wrapped, volumeKey);
            assertThrows(WrongKeyException.class, () -> reader.unwrap(wrapped, OTHER_VOLUME));
        }
    }

    /** Neither the key that guards a slot nor the KEK is ever both in one place: the server has not seen a volume key. */
    @ParameterizedTest
    @EnumSource(ServerCipher.class)
    void noBitOfASlotCanBeAltered(ServerCipher cipher) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context, "name/kek", "&cipher=" + cipher)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            // One bit of each part: mode, wrapped key, initialisation vector, ciphertext, and tag where there is one.
            for (int at : new int[] {0, 1, 40, 41, 52, 60, 80, wrapped.blob().length - 1}) {
                byte[] altered = wrapped.blob().clone();
                altered[at] ^= 4;
                assertThrows(
                        WrongKeyException.class, () -> source.unwrap(with(wrapped, altered), binding), "byte " + at);
            }
        }
    }

    @Test
    void keysAndOperationsThatAreNotNeededAreNotAskedFor() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertEquals(List.of(0x1E, 0x08, 0x0B, 0x1F), stub.operations);
            stub.operations.clear();
            source.unwrap(wrapped, binding).close();
            assertEquals(List.of(0x20), stub.operations);
        }
    }

    @Test
    void theAuditHasTheServersOwnNumberOfTheQuestionOrItsTimeOfDay() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.correlates = true;
            source.unwrap(wrapped, binding).close();
            assertEquals(
                    List.of("2027-01-15T08:00:04Z", "conversation-5"),
                    uses.stream().map(KeyUse::requestId).toList());
        }
    }

    /** It is for the audit alone; a slot must not stay closed for its sake. */
    @Test
    void anAnswerWhoseHeaderIsOddIsAnAnswer() throws Exception {
        stub.hasOddHeader = true;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            assertOpens(source, source.wrap(volumeKey, binding), volumeKey);
            assertEquals(List.of("", ""), uses.stream().map(KeyUse::requestId).toList());
        }
    }

    @Test
    void anotherKeyInThePlaceOfOursIsAWrongKeyWhateverTheServerCallsIt() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.key("id-1", "kek", 1000);
            for (int reason : new int[] {0x0A, 0x100, 0x07, 0x7777}) {
                stub.reasonOfWrongTag = reason;
                assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, binding), "reason " + reason);
            }
            // What is no word for a wrong key is not taken for one.
            stub.reasonOfWrongTag = 0x0C;
            assertEquals(
                    Kind.REFUSED,
                    assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding))
                            .kind());
        }
    }

    /** A server that fails once and then works again has not said that the key is wrong. */
    @Test
    void aFailureThatPassesIsNoWrongKey() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.patientSource(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.failures.add(0x100);
            assertOpens(source, wrapped, volumeKey);
            stub.failures.addAll(List.of(0x100, 0x100));
            assertOpens(source, wrapped, volumeKey);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, REFUSED",
        "3, UNREACHABLE",
        "4, MISCONFIGURED",
        "5, MISCONFIGURED",
        "7, MISCONFIGURED",
        "8, MISCONFIGURED",
        "10, UNREACHABLE",
        "11, REFUSED",
        "12, REFUSED",
        "13, REFUSED",
        "0x1a, REFUSED",
        "0x25, UNREACHABLE",
        "0x29, REFUSED",
        "0x2a, UNREACHABLE",
        "0x36, REFUSED",
        "0x37, REFUSED",
        "0x39, REFUSED",
        "0x3a, THROTTLED",
        "0x3f, MISCONFIGURED",
        "0x43, REFUSED",
        "0x44, UNREACHABLE",
        "0x100, UNREACHABLE",
        "0x7fffffff, UNREACHABLE"
    })
    void knowsWhatEachReasonMeans(String reason, Kind kind) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.failures.addAll(Collections.nCopies(100, Integer.decode(reason)));
            KeySourceException failed = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertTrue(failed.getMessage().contains("as the test says"), failed::getMessage);
            stub.failures.clear();
            assertOpens(source, wrapped, volumeKey);
        }
    }

    @Test
    void aKeyInTwoStatesIsRefusedForWrappingAndSaysWhich() throws Exception {
        stub.keys.get("id-1").state = KmipStub.PRE_ACTIVE;
        try (KeySource byName = place.source(context);
                KeySource byId = place.source(context, "id-1", "")) {
            KeySourceException none = fails(byName);
            assertEquals(Kind.REFUSED, none.kind());
            assertTrue(none.getMessage().contains("no key named 'kek' is active"), none::getMessage);
            KeySourceException early = fails(byId);
            assertEquals(Kind.REFUSED, early.kind());
            assertTrue(early.getMessage().contains("is pre-active"), early::getMessage);
        }
    }

    @Test
    void keysOfAnotherKindAreNotUsed() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            KmipStub.Key key = stub.keys.get("id-1");
            for (int unfit = 0; unfit < 4; unfit++) {
                spoil(key, unfit);
                assertMisconfigured(source, volumeKey, unfit < 2 ? "not an AES key of 256 bits" : "usage mask");
                assertEquals(Kind.MISCONFIGURED, fails(source).kind());
            }
        }
    }

    private static void spoil(KmipStub.Key key, int how) {
        key.lengthBits = how == 0 ? 128 : 256;
        key.algorithm = how == 1 ? 2 : 3;
        key.usage = how == 2 ? 4 : how == 3 ? 8 : 12;
    }

    /** What wrapping would refuse is not offered as a newer version: the daemon would try in vain again and again. */
    @ParameterizedTest
    @ValueSource(strings = {"name/kek", "id-1"})
    void anUnfitNewerKeyIsPassedOver(String place) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = this.place.source(context, place, "")) {
            KmipStub.Key unfit = stub.key("id-unfit", "kek", 2000);
            stub.keys.get("id-1").replacement = "id-unfit";
            for (int how = 0; how < 4; how++) {
                spoil(unfit, how);
                assertEquals("id-1", source.newestVersion(), "unfit in way " + how);
                assertEquals("id-1", source.wrap(volumeKey, binding).version());
            }
            // Nor does it stand in the way of a twin that is fit, or of its own replacement.
            stub.key("id-good", "kek", 2000);
            unfit.replacement = "id-good";
            assertEquals("id-good", source.newestVersion());
        }
    }

    private void assertMisconfigured(KeySource source, Secret volumeKey, String words) {
        KeySourceException failed = assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
        assertTrue(failed.getMessage().contains(words), failed::getMessage);
    }

    @Test
    void ofOneNameTheKeyThatWasActivatedLastIsMeant() throws Exception {
        try (KeySource source = place.source(context)) {
            stub.key("id-newer", "kek", 3000);
            stub.key("id-older", "kek", 500);
            assertEquals("id-newer", source.newestVersion());
            stub.key("id-next-year", "kek", 9000).state = KmipStub.PRE_ACTIVE;
            assertEquals("id-newer", source.newestVersion());
            stub.key("id-twin", "kek", 3000);
            KeySourceException twins = fails(source);
            assertEquals(Kind.MISCONFIGURED, twins.kind());
            assertTrue(twins.getMessage().contains("id-newer")
                    && twins.getMessage().contains("id-twin"));
        }
    }

    @Test
    void ofAnIdentifierTheLastActiveReplacementIsMeantAndTheOldOneStillOpens() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context, "id-1", "")) {
            WrappedKey old = source.wrap(volumeKey, binding);
            assertEquals("id-1", old.version());
            stub.keys.get("id-1").replacement = "id-2";
            stub.key("id-2", "", 2000).replacement = "id-3";
            stub.key("id-3", "", 3000).state = KmipStub.PRE_ACTIVE;
            assertEquals("id-2", source.newestVersion());
            WrappedKey fresh = source.wrap(volumeKey, binding);
            assertEquals("id-2", fresh.version());
            assertOpens(source, old, volumeKey);
            assertOpens(source, fresh, volumeKey);
        }
    }

    @Test
    void replacementsThatGoRoundInACircleOrAreGoneEndTheSearch() throws Exception {
        try (KeySource source = place.source(context, "id-1", "")) {
            stub.keys.get("id-1").replacement = "id-2";
            assertEquals("id-1", source.newestVersion());
            stub.key("id-2", "", 2000).replacement = "id-1";
            assertEquals("id-2", source.newestVersion());
        }
    }

    /** To stop half-way would wrap by a key that has long been replaced, and nobody would hear of it. */
    @Test
    void tooManyReplacementsAreRefused() throws Exception {
        for (int i = 1; i <= 32; i++) {
            stub.key("id-" + (i + 1), "", 2000L + i);
            stub.keys.get("id-" + i).replacement = "id-" + (i + 1);
        }
        try (KeySource source = place.source(context, "id-1", "");
                KeySource nearer = place.source(context, "id-2", "")) {
            KeySourceException failed = fails(source);
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains("more than 32 keys replace"), failed::getMessage);
            assertEquals("id-33", nearer.newestVersion());
        }
    }

    @Test
    void aKeyThatIsNotThereIsRefused() throws Exception {
        for (String key : List.of("name/nobody", "id-nobody")) {
            try (KeySource source = place.source(context, key, "")) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.REFUSED, failed.kind(), failed::getMessage);
            }
        }
    }

    @Test
    void anIdentifierThatFitsIntoNoKeySlotIsRefused() throws Exception {
        stub.key("x".repeat(65), "long", 1);
        stub.key("two\nlines", "odd", 1);
        for (String name : List.of("long", "odd")) {
            try (KeySource source = place.source(context, "name/" + name, "")) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.MISCONFIGURED, failed.kind());
                assertFalse(failed.getMessage().contains("\n"));
            }
        }
    }

    @Test
    void tooManyKeysOfOneNameAreRefused() throws Exception {
        for (int i = 0; i < 40; i++) {
            stub.key("many-" + i, "many", i);
        }
        try (KeySource source = place.source(context, "name/many", "")) {
            assertTrue(fails(source).getMessage().contains("more than 32 keys"));
        }
    }

    @ParameterizedTest
    @CsvSource({"'4,3,2', gcm", "'3,2', ctr", "'2,1,0', cbc"})
    void speaksWhatTheServerSpeaks(String minors, String cipher) throws Exception {
        stub.minorVersions =
                Arrays.stream(minors.split(",")).map(Integer::valueOf).toList();
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context, "name/kek", "&cipher=" + cipher)) {
            assertOpens(source, source.wrap(volumeKey, binding), volumeKey);
        }
    }

    @Test
    void withoutAuthenticatedEncryptionItSaysWhatToDo() throws Exception {
        stub.minorVersions = List.of(3, 2);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            assertMisconfigured(source, volumeKey, "KMIP 1.3, which has no gcm");
        }
    }

    @Test
    void withoutACommonVersionItSaysSo() throws Exception {
        stub.minorVersions = List.of(1, 0);
        try (KeySource source = place.source(context)) {
            KeySourceException failed = fails(source);
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains("no version of KMIP from 1.2 to 1.4"), failed::getMessage);
        }
    }

    @Test
    void aServerThatWasChangedIsAskedAnewForItsVersions() throws Exception {
        try (KeySource source = place.source(context)) {
            assertEquals("id-1", source.newestVersion());
            stub.minorVersions = List.of(2);
            assertEquals(Kind.MISCONFIGURED, fails(source).kind());
            assertEquals("id-1", source.newestVersion());
        }
    }

    @Test
    void aUserNameAndPasswordGoWithEachQuestionAndNoSecretIntoMessages() throws Exception {
        Path password = folder.resolve("password");
        Files.writeString(password, "tangerine\n");
        Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
        try (KeySource source = place.source(context, "name/kek", "&user-name=volumes&password-file=" + password)) {
            assertEquals("id-1", source.newestVersion());
            assertEquals(3, stub.credentials.size());
            assertEquals(
                    List.of("volumes:tangerine"),
                    stub.credentials.stream().distinct().toList());
            stub.trouble = Premises.Trouble.UNAUTHENTICATED;
            assertFalse(fails(source).getMessage().contains("tangerine"));
            stub.trouble = Premises.Trouble.NONE;
            Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-r--r--"));
            KeySourceException open = fails(source);
            assertEquals(Kind.MISCONFIGURED, open.kind());
            assertTrue(open.getMessage().contains("may be used by others"), open::getMessage);
        }
    }

    @Test
    void certificatesAreReadAnewForEachConversation() throws Exception {
        Path mine = Files.createDirectory(folder.resolve("renewed"));
        Files.copy(certificates.client().certificate(), mine.resolve("crt"));
        Files.copy(certificates.client().key(), mine.resolve("key"));
        Files.setPosixFilePermissions(mine.resolve("key"), PosixFilePermissions.fromString("rw-------"));
        String uri = "kmip:localhost:" + stub.port() + "/id-1?ca-file="
                + certificates.authority().certificate() + "&client-cert-file=" + mine.resolve("crt")
                + "&client-key-file=" + mine.resolve("key");
        try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
            assertEquals("id-1", source.newestVersion());
            Files.delete(mine.resolve("key"));
            assertEquals(Kind.UNREACHABLE, fails(source).kind());
            Files.copy(certificates.client().key(), mine.resolve("key"));
            assertEquals("id-1", source.newestVersion());
        }
    }

    @Test
    void aServerOrAClientThatTheAuthorityHasNotSignedIsNotTrusted() throws Exception {
        String known = certificates.options();
        String stranger = place.uri("id-1", "")
                .replace(known, KmipCertificates.options(certificates.authority(), certificates.stranger()));
        String elsewhere = place.uri("id-1", "")
                .replace(known, KmipCertificates.options(certificates.strangers(), certificates.client()));
        for (String uri : List.of(stranger, elsewhere)) {
            try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.UNREACHABLE, failed.kind());
                assertTrue(failed.getMessage().contains("client-cert-file"), failed::getMessage);
            }
        }
        assertTrue(stub.operations.isEmpty());
    }

    @Test
    void aKeyThatIsNotOurCertificatesIsNoticedHere() throws Exception {
        String uri = place.uri("id-1", "")
                .replace(
                        certificates.client().key().toString(),
                        certificates.stranger().key().toString());
        try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
            KeySourceException failed = fails(source);
            assertEquals(Kind.MISCONFIGURED, failed.kind());
            assertTrue(failed.getMessage().contains("is not that of the first certificate in"), failed::getMessage);
        }
        assertTrue(stub.operations.isEmpty());
    }

    @Test
    void aPortWhereTlsIsNotSpokenIsCalledThat() throws Exception {
        for (String answer : List.of("HTTP/1.1 400 Bad Request\r\n\r\n", "")) {
            try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                Thread thread = new Thread(() -> answerOnce(other, answer));
                thread.setDaemon(true);
                thread.start();
                String uri = place.uri("id-1", "").replace(":" + stub.port(), ":" + other.getLocalPort());
                try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                    KeySourceException failed = fails(source);
                    assertEquals(Kind.UNREACHABLE, failed.kind());
                    String words = answer.isEmpty() ? "whether TLS is spoken on that port" : "does not speak TLS";
                    assertTrue(failed.getMessage().contains(words), failed::getMessage);
                }
            }
        }
    }

    /** Takes the first bytes that come, answers, and hangs up in an orderly way; as often as somebody comes. */
    private static void answerOnce(ServerSocket server, String answer) {
        while (!server.isClosed()) {
            try (Socket client = server.accept()) {
                assertTrue(client.getInputStream().read(new byte[8192]) > 0);
                client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                client.shutdownOutput();
                client.getInputStream().transferTo(OutputStream.nullOutputStream());
            } catch (IOException gone) {
                continue;
            }
        }
    }

    @Test
    void aServerOfAnotherNameIsNotTrusted() throws Exception {
        String uri = place.uri("id-1", "").replace("localhost", "127.0.0.2");
        try (ServerSocket relay = new ServerSocket()) {
            relay.bind(new InetSocketAddress("127.0.0.2", 0));
            Thread thread = new Thread(() -> Relay.toLocalhost(relay, stub.port()));
            thread.setDaemon(true);
            thread.start();
            uri = uri.replace(":" + stub.port(), ":" + relay.getLocalPort());
            try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.UNREACHABLE, failed.kind());
                assertTrue(failed.getMessage().contains("cannot be trusted"), failed::getMessage);
            }
        }
    }

    /** The other end takes the connection and is silent in the midst of the handshake. */
    @Test
    void aHandshakeThatNeverEndsIsEnded() throws Exception {
        try (ServerSocket silent = new ServerSocket(0)) {
            String uri =
                    place.uri("id-1", "&timeout-seconds=1").replace(":" + stub.port(), ":" + silent.getLocalPort());
            try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.UNREACHABLE, failed.kind());
                assertTrue(failed.getMessage().contains("has not answered within 1000 ms"), failed::getMessage);
            }
        }
    }

    /** A daemon that is told to stop waits for no source, however long that may take for an answer. */
    @Test
    @Timeout(60)
    void whoIsInterruptedDoesNotWaitForTheEndOfTheHandshake() throws Exception {
        try (ServerSocket silent = new ServerSocket(0)) {
            String uri =
                    place.uri("id-1", "&timeout-seconds=300").replace(":" + stub.port(), ":" + silent.getLocalPort());
            try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                // Its first word has come: from now on it waits.
                assertInterruptible(
                        source, () -> silent.accept().getInputStream().read());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Premises.Trouble.class,
            names = {"SILENT", "HALF_AN_ANSWER"})
    @Timeout(60)
    void whoIsInterruptedDoesNotWaitForAnAnswer(Premises.Trouble trouble) throws Exception {
        stub.trouble = trouble;
        String uri = place.uri("id-1", "&timeout-seconds=300");
        try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
            assertInterruptible(source, stub.heard::acquire);
            stub.trouble = Premises.Trouble.NONE;
            assertEquals("id-1", source.newestVersion());
        }
    }

    /** The system's resolver may take half a minute, and a call of it cannot be ended. */
    @Test
    void aResolverThatDoesNotAnswerHoldsNobodyUp() throws Exception {
        CountDownLatch answer = new CountDownLatch(1);
        Addresses.Lookup stuck = host -> {
            try {
                answer.await();
            } catch (InterruptedException ended) {
                throw new UnknownHostException(host);
            }
            return InetAddress.getAllByName(host);
        };
        KmipKeySourceProvider provider = new KmipKeySourceProvider(StubPremises.IMPATIENT, stuck);
        KeySourceSpec spec = KeySourceSpec.parse(place.uri("id-1", "&timeout-seconds=1"));
        try (KeySource source = provider.open(spec, context)) {
            KeySourceException failed = fails(source);
            assertEquals(Kind.UNREACHABLE, failed.kind());
            assertTrue(
                    failed.getMessage().contains("the resolver of this machine has not answered within 1000 ms"),
                    failed::getMessage);
            answer.countDown();
            assertEquals("id-1", source.newestVersion());
        }
    }

    @Test
    void nobodyThereIsUnreachable() throws Exception {
        int port;
        try (ServerSocket gone = new ServerSocket(0)) {
            port = gone.getLocalPort();
        }
        for (String host : List.of("localhost:" + port, "no-such-host.invalid:" + port)) {
            String uri = place.uri("id-1", "").replace("localhost:" + stub.port(), host);
            try (KeySource source = StubPremises.open(uri, StubPremises.IMPATIENT, context)) {
                KeySourceException failed = fails(source);
                assertEquals(Kind.UNREACHABLE, failed.kind());
                assertTrue(failed.getMessage().startsWith(host), failed::getMessage);
            }
        }
    }

    /** Answers that no server gives: none may be believed, and none may bring us down. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                // a structure of four gigabytes, of no bytes, of what is longer than it
                "42007b01fffffff8",
                "42007b0100000000",
                "42007b010000000842007a0100000010",
                // a request
                "4200780100000000",
                // an unknown type, nesting, what fills up is not zero
                "42007b010000000842007a0c00000000",
                "42007b010000001042007a070000000141ff000000000000"
            })
    void hostileAnswersAreMisconfiguredAtMost(String hex) throws Exception {
        stub.instead = HexFormat.of().parseHex(hex);
        try (KeySource source = place.source(context)) {
            KeySourceException failed = fails(source);
            assertEquals(Kind.MISCONFIGURED, failed.kind(), failed::getMessage);
            assertTrue(failed.getMessage().contains("Is that a KMIP server?"), failed::getMessage);
            stub.instead = null;
            assertEquals("id-1", source.newestVersion());
        }
    }

    @Test
    void eachWrappingHasASecretOfItsOwn() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = place.source(context)) {
            byte[] one = source.wrap(volumeKey, binding).blob();
            byte[] two = source.wrap(volumeKey, binding).blob();
            // The wrapped key is the same only if the secret is.
            assertNotEquals(
                    Arrays.toString(Arrays.copyOfRange(one, 1, 41)), Arrays.toString(Arrays.copyOfRange(two, 1, 41)));
        }
    }
}

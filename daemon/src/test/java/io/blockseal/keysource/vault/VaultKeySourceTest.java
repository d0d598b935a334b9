package io.blockseal.keysource.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Reply;
import io.github.jopenlibs.vault.Vault;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The stub of a Vault server, and what a real one can hardly be brought to do. */
class VaultKeySourceTest extends VaultContract {
    private static final AtomicReference<VaultStub> SERVED = new AtomicReference<>();
    private static RestStub rest;

    private final VaultStub stub = new VaultStub();

    @BeforeAll
    static void serve() throws Exception {
        rest = RestStub.start(ask -> SERVED.get().answer(ask));
    }

    @AfterAll
    static void end() throws Exception {
        rest.close();
    }

    @Override
    protected Premises open() throws Exception {
        SERVED.set(stub);
        VaultPremises opened = new VaultPremises(folder, rest, stub);
        stub.loginPolicy = opened.id;
        return opened;
    }

    @Test
    void logsInAgainWhenItsTokenIsTakenNoMore() throws Exception {
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            assertServes(source);
            stub.forgetTokens();
            assertServes(source);
            assertEquals(2, stub.logins.get());
        }
    }

    @Test
    void aPolicyThatRefusesIsANoAfterOneMoreLogin() throws Exception {
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            assertServes(source);
            premises.have(Trouble.FORBIDDEN);
            assertEquals(Kind.REFUSED, failure(source).kind());
            assertEquals(2, stub.logins.get());
        }
    }

    @Test
    void fiftyQuestionsNeedOneLogin() throws Exception {
        ExecutorService askers = Executors.newFixedThreadPool(16);
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            List<Future<String>> all = IntStream.range(0, 50)
                    .mapToObj(unused -> askers.submit(source::newestVersion))
                    .toList();
            for (Future<String> each : all) {
                assertEquals("1", each.get());
            }
            assertEquals(1, stub.logins.get());
        } finally {
            askers.shutdownNow();
        }
    }

    @Test
    void fiftyRefusedQuestionsNeedOneLoginMore() throws Exception {
        ExecutorService askers = Executors.newFixedThreadPool(16);
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            assertServes(source);
            stub.forgetTokens();
            for (Future<String> each :
                    askers.invokeAll(Collections.<Callable<String>>nCopies(50, source::newestVersion))) {
                assertEquals("1", each.get());
            }
            assertEquals(2, stub.logins.get());
        } finally {
            askers.shutdownNow();
        }
    }

    @Test
    void renewsItsLeaseAndThatOfATokenFileWithoutBeingAskedAnything() throws Exception {
        stub.ttlSeconds = 1;
        VaultPremises.secret(vault().tokenFile, vault().newToken());
        try (KeySource byRole = vault().source(context, "one", vault().appRole("1h"));
                KeySource byFile = premises.source(context)) {
            assertServes(byRole);
            assertServes(byFile);
            // Each its own, and each again when the renewed lease nears its end.
            assertTrue(stub.renewals.tryAcquire(4, 20, TimeUnit.SECONDS));
            assertEquals(1, stub.logins.get());
            assertEquals(2, stub.renewed.size());
            assertServes(byRole);
            assertServes(byFile);
        }
    }

    @Test
    void logsInByKubernetesWithWhatThePlatformProjects() throws Exception {
        stub.jwts.put("db", "eyJ.first.one");
        Files.createDirectory(folder.resolve("..1"));
        Files.writeString(folder.resolve("..1/token"), "eyJ.first.one");
        Files.createSymbolicLink(folder.resolve("jwt"), folder.resolve("..1/token"));
        String options = "auth=kubernetes&auth-mount=kubernetes-eu&role=db&jwt-file=" + folder.resolve("jwt");
        try (KeySource source = vault().source(context, "one", options)) {
            assertServes(source);
            stub.jwts.put("db", "eyJ.second.one");
            Files.writeString(folder.resolve("..1/token"), "eyJ.second.one");
            stub.forgetTokens();
            assertServes(source);
            stub.jwts.put("db", "eyJ.third.one");
            stub.forgetTokens();
            assertEquals(Kind.UNREACHABLE, failure(source).kind());
        }
    }

    @Test
    void logsInByItsCertificate() throws Exception {
        try (CertifiedStub tls = CertifiedStub.start(folder, stub)) {
            String ours = "&client-cert-file=" + tls.certificate() + "&client-key-file=" + tls.key();
            try (KeySource source = tls.source(context, vault().id, "auth=cert&role=db" + ours)) {
                assertServes(source);
                assertEquals(1, stub.logins.get());
            }
        }
    }

    @Test
    void asksInItsNamespace() throws Exception {
        String options = vault().appRole("1h");
        stub.namespace = "team/storage";
        try (KeySource outside = vault().source(context, "one", options)) {
            assertEquals(Kind.MISCONFIGURED, failure(outside).kind());
        }
        try (KeySource inside = vault().source(context, "one", options + "&namespace=team/storage")) {
            assertServes(inside);
        }
    }

    @Test
    void saysWhatKeepsTheServerFromAnswering() throws Exception {
        String[] rows = {
            "503, Vault is sealed, UNREACHABLE, sealed",
            "473, none, UNREACHABLE, standby",
            "472, none, UNREACHABLE, standby",
            "412, required index state not present, UNREACHABLE, standby",
            "307, none, UNREACHABLE, active server",
            "500, local node not active but active cluster node not found, UNREACHABLE, not active",
            "401, who are you, UNREACHABLE, who are you",
            "429, rate limit quota exceeded, THROTTLED, quota",
            "405, unsupported operation, MISCONFIGURED, unsupported operation",
            "404, no handler for route, MISCONFIGURED, mount path"
        };
        try (KeySource source = premises.source(context)) {
            assertServes(source);
            for (String row : rows) {
                String[] of = row.split(", ");
                stub.instead = VaultStub.errors(Integer.parseInt(of[0]), of[1]);
                KeySourceException failed = failure(source);
                assertEquals(Kind.valueOf(of[2]), failed.kind(), failed::getMessage);
                assertTrue(failed.getMessage().contains(of[3]), failed::getMessage);
            }
            stub.instead = null;
            assertServes(source);
        }
    }

    /** To a token that the server has given a moment ago: revocation is what nothing else can be meant by. */
    @Test
    void onlyAServersOwnWordsOfTheKeyAreARefusal() throws Exception {
        String[] rows = {
            "403 REFUSED {'errors':['1 error occurred:\\n\\t* permission denied\\n\\n']}",
            "403 UNREACHABLE {'errors':['2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n']}",
            "403 UNREACHABLE <html>Forbidden by the office proxy</html>",
            "403 UNREACHABLE {'message':'Forbidden'}",
            "401 UNREACHABLE {'errors':['permission denied']}",
            "404 REFUSED {'errors':[]}",
            "404 MISCONFIGURED {'errors':['no handler for route']}",
            "404 MISCONFIGURED {'message':'no Route matched with those values'}",
            "404 MISCONFIGURED <html>Not here</html>",
            "400 REFUSED {'errors':['encryption key not found']}",
            "400 UNREACHABLE {'errors':['invalid ciphertext: version is too new']}",
            "400 MISCONFIGURED {'errors':['error parsing JSON']}",
            "408 UNREACHABLE {}",
            "500 UNREACHABLE {'errors':['read failed: decryption failed: cipher: message authentication failed']}"
        };
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            stub.insteadUnder = vault().id + "/decrypt";
            for (String row : rows) {
                stub.instead = reply(row.substring(0, 3), row.replaceFirst("\\d+ \\S+ ", ""));
                KeySourceException failed =
                        assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
                assertEquals(Kind.valueOf(row.split(" ")[1]), failed.kind(), () -> row + ": " + failed.getMessage());
            }
            // Vault 1.5 and 1.6 said 500 for another context.
            stub.instead =
                    reply("500", "{'errors':['1 error occurred:\\n\\t* cipher: message authentication failed\\n\\n']}");
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, binding));
            stub.instead = null;
            source.unwrap(wrapped, binding).close();
        }
    }

    private static Reply reply(String status, String body) {
        return Reply.json(Integer.parseInt(status), body.replace('\'', '"'));
    }

    /** What keeps us from logging in says nothing of the key, not even in words that would. */
    @Test
    void aFailedLoginIsNoRefusal() throws Exception {
        String[] rows = {
            "404 {'errors':[]}",
            "403 {'errors':['permission denied']}",
            "400 {'errors':['role is disabled']}",
            "200 {'auth':{'client_token':'','mfa_requirement':{}}}",
            "200 {'auth':{'client_token':'hvs.smuggled\\r\\nX-Other: 1'}}"
        };
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            stub.insteadUnder = "auth/";
            for (String row : rows) {
                stub.instead = reply(row.substring(0, 3), row.substring(4));
                KeySourceException failed = failure(source);
                assertNotEquals(Kind.REFUSED, failed.kind(), failed::getMessage);
                assertFalse(failed.getMessage().contains("smuggled"), failed::getMessage);
            }
            stub.instead = null;
            assertServes(source);
        }
    }

    @Test
    void aHealthPageOfAStandbyIsNoThrottling() throws Exception {
        try (KeySource source = premises.source(context)) {
            stub.instead = Reply.json(429, "{\"initialized\":true,\"sealed\":false,\"standby\":true}");
            assertEquals(Kind.UNREACHABLE, failure(source).kind());
        }
    }

    @Test
    void tellsTheAuditorTheServersOwnNumber() throws Exception {
        try (KeySource source = premises.source(context)) {
            assertServes(source);
            KeyUse last = uses.stream().reduce((first, second) -> second).orElseThrow();
            assertEquals(KeyUse.Operation.UNWRAP, last.operation());
            assertEquals(stub.lastRequestId, last.requestId());
            assertFalse(last.requestId().isEmpty());
        }
    }

    @Test
    void warnsOfAKeyThatCanBeTakenOut() throws Exception {
        vault().write(vault().id + "/keys/open", Map.of("derived", true, "exportable", true));
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(VaultKeySource.class);
        logger.addAppender(lines);
        lines.start();
        try (KeySource source = vault().source(context, "open", "token-file=" + vault().tokenFile)) {
            source.newestVersion();
            assertEquals(1, lines.list.size());
            assertServes(source);
        } finally {
            logger.detachAppender(lines);
        }
        assertEquals(1, lines.list.size());
        assertTrue(lines.list.get(0).getFormattedMessage().contains("exportable=true"));
    }

    /** A daemon that ends does not wait for a server that does not answer. */
    @Test
    void isClosedWhileSomebodyWaitsForAnAnswer() throws Exception {
        ExecutorService asker = Executors.newSingleThreadExecutor();
        try (KeySource source = premises.patientSource(context)) {
            premises.have(Trouble.SILENT);
            int before = rest.calls();
            Future<String> question = asker.submit(source::newestVersion);
            while (rest.calls() == before) {
                Thread.onSpinWait();
            }
            assertTimeoutPreemptively(Duration.ofSeconds(5), source::close);
            assertFalse(question.isDone());
        } finally {
            asker.shutdownNow();
        }
    }

    @Test
    void takesNoTokenThatOthersCanRead() throws Exception {
        assertTrue(vault().tokenFile.toFile().setReadable(true, false));
        try (KeySource source = premises.source(context)) {
            KeySourceException refused = failure(source);
            assertEquals(Kind.MISCONFIGURED, refused.kind());
            assertTrue(refused.getMessage().contains("chmod 600"), refused::getMessage);
        }
    }

    /** What the stub answers to a client that we did not write: that client would not understand a caricature. */
    @Test
    void theStubIsUnderstoodByAClientOfOthers() throws Exception {
        String[] options = vault().appRole("1h").split("[&=]");
        Vault nobody = vault().client("");
        String secret = Files.readString(folder.resolve("secret-id")).strip();
        var login = nobody.auth().loginByAppRole(options[3], options[5], secret);
        assertEquals(3600, login.getAuthLeaseDuration());
        assertTrue(login.isAuthRenewable());
        Vault somebody = vault().client(login.getAuthClientToken());
        assertEquals(3600, somebody.auth().lookupSelf().getTTL());
        assertEquals(login.getAuthClientToken(), somebody.auth().renewSelf().getAuthClientToken());
        assertEquals(
                "true",
                somebody.logical().read(vault().id + "/keys/one").getData().get("derived"));
        stub.jwts.put("db", "eyJ.a.b");
        assertFalse(nobody.auth()
                .loginByKubernetes("db", "eyJ.a.b")
                .getAuthClientToken()
                .isEmpty());
        assertThrows(Exception.class, () -> nobody.auth().loginByKubernetes("db", "eyJ.a.c"));
    }
}

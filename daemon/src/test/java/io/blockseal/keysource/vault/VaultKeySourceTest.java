package io.blockseal.keysource.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Reply;
import io.github.jopenlibs.vault.Vault;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** The stub of a Vault server, and what a real one can hardly be brought to do. */
class VaultKeySourceTest extends VaultContract {
    private final VaultStub stub = new VaultStub();

    @Override
    protected Premises open() throws Exception {
        VaultPremises opened = new VaultPremises(folder, RestStub.start(stub), stub);
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
    void renewsItsLeaseWithoutBeingAskedAnything() throws Exception {
        stub.ttlSeconds = 1;
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            assertServes(source);
            assertTrue(stub.renewals.tryAcquire(2, 20, TimeUnit.SECONDS));
            assertEquals(1, stub.logins.get());
            assertServes(source);
        }
    }

    @Test
    void renewsTheLeaseOfATokenFromAFile() throws Exception {
        stub.ttlSeconds = 1;
        VaultPremises.secret(vault().tokenFile, vault().newToken());
        try (KeySource source = premises.source(context)) {
            assertServes(source);
            assertTrue(stub.renewals.tryAcquire(1, 20, TimeUnit.SECONDS));
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

    @ParameterizedTest
    @CsvSource({
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
    })
    void saysWhatKeepsTheServerFromAnswering(int status, String words, Kind kind, String expected) throws Exception {
        try (KeySource source = premises.source(context)) {
            assertServes(source);
            stub.instead = VaultStub.errors(status, words);
            KeySourceException failed = failure(source);
            assertEquals(kind, failed.kind(), failed::getMessage);
            assertTrue(failed.getMessage().contains(expected), failed::getMessage);
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
            assertServes(source);
            assertServes(source);
        } finally {
            logger.detachAppender(lines);
        }
        assertEquals(1, lines.list.size());
        assertTrue(lines.list.get(0).getFormattedMessage().contains("exportable=true"));
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

package io.blockseal.app.reload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.Cli;
import io.blockseal.app.Guest;
import io.blockseal.app.MoodyProgram;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.client.NbdDisconnectedException;
import io.blockseal.config.ConfigReader;
import io.blockseal.server.NbdServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A daemon whose configuration changes while guests write. */
@Timeout(120)
class ReloadTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String A = "path: ./a.bsl, key-file: ./k";
    private static final String B = "path: ./b.bsl, key-file: ./k";
    private static final String C = "path: ./c.bsl, key-file: ./k";

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        for (String name : new String[] {"a", "b", "c"}) {
            cli.ok("create", "./" + name + ".bsl", "--size", "32M", "--key-file", "./k");
        }
    }

    private Daemon serve(String... volumes) throws Exception {
        return Daemon.start(
                cli.configuration(volumes),
                () -> ConfigReader.read(cli.path("c.yaml")),
                () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
    }

    /** The outcome of each volume and setting that is not as before, and the exit code. */
    private List<String> reload() throws Exception {
        Cli.Result result = cli.served("reload", "--json");
        JsonNode answer = JSON.readTree(result.out());
        List<String> changes = new ArrayList<>();
        for (String kind : new String[] {"volumes", "settings"}) {
            for (JsonNode each : answer.get(kind)) {
                if (!each.get("outcome").asText().equals("unchanged")) {
                    changes.add(each.get("name").asText() + " "
                            + each.get("outcome").asText());
                }
            }
        }
        changes.add(answer.get("result").asText() + " " + result.exitCode());
        return changes;
    }

    private List<String> served() throws Exception {
        List<String> names = new ArrayList<>();
        for (JsonNode each : JSON.readTree(cli.served("status", "--json").out()).get("volumes")) {
            names.add(each.get("name").asText() + " " + each.get("state").asText());
        }
        return names;
    }

    @Test
    void addsAndRemovesWhileOthersWrite() throws Exception {
        try (Daemon daemon = serve(A, B);
                Guest a = Guest.connect(daemon, "a", 1)) {
            a.fill();
            a.begin();
            cli.configuration(A, C);
            assertEquals(List.of("b not-served-any-more", "c opened", "done 0"), reload());
            assertEquals(List.of("a open", "c open"), served());
            a.awaitOneMore();
            a.end();
            try (Guest c = Guest.connect(daemon, "c", 2)) {
                c.fill();
                c.requireAllRight();
            }
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "b", 3));
            a.requireAllRight();
            assertEquals(List.of("done 0"), reload(), "a second time there is nothing to do");
        }
        cli.ok("check", "./b.bsl", "--key-file", "./k");
    }

    /** The file may be right for the next start; until then the door that a rule speaks of is not there. */
    @Test
    void leavesAnExportAloneWhoseRuleNobodyCanFitYet() throws Exception {
        try (Daemon daemon = serve(A, B);
                Guest a = Guest.connect(daemon, "a", 7)) {
            a.fill();
            String rule = ", access: [{psk: vm3, mode: read-write}]";
            cli.configuration(A + rule, B + ", description: new" + rule, C + rule);
            Path file = cli.path("c.yaml");
            Files.writeString(file, Files.readString(file) + "tls: {psk-file: " + cli.path("keys.psk") + "}\n");
            Cli.Result text = cli.served("reload");
            assertEquals(ExitCode.CONFIG.number(), text.exitCode());
            String said = text.out() + text.err();
            assertTrue(said.contains("with the listeners and the TLS that the daemon was started with: " + file), said);
            assertTrue(said.contains("there are no pre-shared keys"), said);
            assertEquals(
                    List.of(
                            "a failed",
                            "b failed",
                            "c failed",
                            "tls changes-when-the-daemon-is-started-anew",
                            "partly 6"),
                    reload());
            assertEquals(List.of("a open", "b open"), served());
            a.requireAllRight();
            try (Guest b = Guest.connect(daemon, "b", 8)) {
                b.fill();
            }
            cli.configuration(A, B, C);
            assertEquals(List.of("c opened", "done 0"), reload());
        }
    }

    /** What has left the daemon is free for others, and durable. */
    @Test
    void lettingOneGoSendsItsClientsAwayAndFreesTheFile() throws Exception {
        try (Daemon daemon = serve(A, B);
                Guest a = Guest.connect(daemon, "a", 4)) {
            a.fill();
            cli.configuration(B);
            assertEquals(List.of("a not-served-any-more", "done 0"), reload());
            assertThrows(Exception.class, a::requireAllRight, "its client was sent away");
            cli.ok("check", "./a.bsl", "--key-file", "./k");
            // The only export that is left is the default again.
            Guest.connect(daemon, "", 5).close();
            cli.configuration(A, B);
            assertEquals(List.of("a opened", "done 0"), reload());
            try (Guest again = Guest.connect(daemon, "a", 4)) {
                again.expectAsFilled();
                again.requireAllRight();
            }
        }
    }

    @Test
    void opensAnewWhatIsDescribedOtherwise() throws Exception {
        try (Daemon daemon = serve(A, B);
                Guest b = Guest.connect(daemon, "b", 6)) {
            b.fill();
            b.begin();
            cli.configuration(A + ", read-only: true", B);
            assertEquals(List.of("a opened-anew", "done 0"), reload());
            b.awaitOneMore();
            b.end();
            JsonNode a = JSON.readTree(cli.served("status", "--json").out()).get("volumes");
            assertTrue(a.toString().contains("\"readOnly\":true"), a.toString());
        }
    }

    /** Who may still come does not notice, and who may not is sent away. */
    @Test
    void anotherAccessListLeavesTheVolumeAsItIs() throws Exception {
        Object us = Files.getAttribute(cli.path("a.bsl"), "unix:uid");
        String ours = ", access: [{uid: " + us + ", mode: read-write}]";
        try (Daemon daemon = serve(A + ours, B);
                Guest a = Guest.connect(daemon, "a", 11)) {
            a.fill();
            a.begin();
            cli.configuration(A + ", access: [{uid: 1, mode: none}, {uid: " + us + ", mode: read-write}]", B);
            assertEquals(List.of("a access-changed", "done 0"), reload());
            assertEquals(List.of("done 0"), reload());
            a.awaitOneMore();
            a.end();
            a.requireAllRight();
            cli.configuration(A + ", access: [{uid: 1, mode: read-write}]", B);
            assertEquals(List.of("a access-changed", "done 0"), reload());
            assertThrows(Exception.class, a::requireAllRight, "its client was sent away");
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "a", 11));
            cli.configuration(A, B);
            assertEquals(List.of("a access-changed", "done 0"), reload());
            try (Guest again = Guest.connect(daemon, "a", 12)) {
                again.fill();
                again.requireAllRight();
            }
        }
    }

    /** Nobody stays because the daemon was busy when the list came into force, and a reload says what is not done yet. */
    @Test
    void anAccessListIsEnforcedLateRatherThanNever() throws Exception {
        Path file = describeImpatient(A, B);
        try (Daemon daemon = Daemon.start(
                        ConfigReader.read(file),
                        () -> ConfigReader.read(file),
                        () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
                Guest a = Guest.connect(daemon, "a", 13);
                BusyLoop loop = new BusyLoop("export=b")) {
            a.fill();
            CompletableFuture<Guest> b = CompletableFuture.supplyAsync(() -> connect(daemon, "b"));
            loop.awaitBusy();
            describeImpatient(A + ", access: [{uid: 4711, mode: read-write}]", B);
            List<String> failed = List.of("a failed", "partly " + ExitCode.STORAGE.number());
            assertEquals(failed, reload());
            assertEquals(failed, reload(), "it is not done because it was tried");
            loop.goOn();
            b.get(30, TimeUnit.SECONDS).close();
            while (isThere(a)) {
                Thread.onSpinWait();
            }
        }
    }

    private Path describeImpatient(String... volumes) throws Exception {
        cli.configuration(volumes);
        Path file = cli.path("c.yaml");
        return Files.writeString(file, "drain-seconds: 1\n" + Files.readString(file));
    }

    private static Guest connect(Daemon daemon, String export) {
        try {
            return Guest.connect(daemon, export, 14);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isThere(Guest guest) {
        try {
            guest.requireAllRight();
            return true;
        } catch (Exception gone) {
            return false;
        }
    }

    /** A loop that is held up in a line of its log, once. */
    private static final class BusyLoop extends AppenderBase<ILoggingEvent> implements AutoCloseable {
        private final Logger log = (Logger) LoggerFactory.getLogger(NbdServer.class);
        private final CountDownLatch busy = new CountDownLatch(1);
        private final CountDownLatch goesOn = new CountDownLatch(1);
        private final String line;

        BusyLoop(String line) {
            this.line = line;
            start();
            log.addAppender(this);
            log.setLevel(Level.INFO);
            log.setAdditive(false);
        }

        @Override
        protected void append(ILoggingEvent event) {}

        @Override
        public void doAppend(ILoggingEvent event) {
            if (event.getFormattedMessage().contains(line)) {
                busy.countDown();
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        void awaitBusy() throws InterruptedException {
            busy.await();
        }

        void goOn() {
            goesOn.countDown();
        }

        @Override
        public void close() {
            goOn();
            log.setAdditive(true);
            log.setLevel(null);
            log.detachAppender(this);
        }
    }

    /** The socket is open to everybody until the daemon is started anew, whatever the file says of it now. */
    @Test
    void anExportWithoutAListDoesNotComeToASocketThatIsOpenToEverybody() throws Exception {
        Object us = Files.getAttribute(cli.path("a.bsl"), "unix:uid");
        String ours = ", access: [{uid: " + us + ", mode: read-write}]";
        cli.configuration(A + ours);
        Path file = cli.path("c.yaml");
        Files.writeString(file, "unix-mode: 0666\n" + Files.readString(file));
        try (Daemon daemon = Daemon.start(
                ConfigReader.read(file),
                () -> ConfigReader.read(file),
                () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()))) {
            cli.configuration(A + ours, B);
            Cli.Result result = cli.served("reload");
            assertEquals(ExitCode.CONFIG.number(), result.exitCode(), result.all());
            assertTrue(
                    result.err()
                            .contains("with the listeners that the daemon was started with: every user of this machine"
                                    + " could use export 'b'"),
                    result.err());
            assertEquals(List.of("a open"), served());
            assertFalse(daemon.addresses().isEmpty());
        }
    }

    @Test
    void aFileWithAMistakeChangesNothing() throws Exception {
        try (Daemon daemon = serve(A);
                Guest a = Guest.connect(daemon, 7)) {
            a.fill();
            Files.writeString(cli.path("c.yaml"), "volumes: [{path: /nowhere.bsl, kee-file: x}]\n");
            Cli.Result result = cli.served("reload");
            assertEquals(ExitCode.CONFIG.number(), result.exitCode(), result.all());
            assertTrue(result.err().contains("kee-file"), result.err());
            assertTrue(result.err().contains("Nothing was changed"), result.err());
            assertEquals(List.of("a open"), served());
            a.requireAllRight();
        }
    }

    /** One that cannot be opened as the file says now is served as it was. */
    @Test
    void goesBackWhenTheNewWayDoesNotWork() throws Exception {
        cli.ok("create", "./other.bsl", "--size", "32M", "--key-file", "./other");
        try (Daemon daemon = serve(A)) {
            cli.configuration("path: ./a.bsl, key-file: ./other", C, "path: ./gone.bsl, key-file: ./k");
            assertEquals(
                    List.of("a failed", "c opened", "gone failed", "partly " + ExitCode.WRONG_KEY.number()), reload());
            assertEquals(List.of("a open", "c open"), served());
            cli.configuration(A, C);
            assertEquals(List.of("done 0"), reload());
        }
    }

    /** As often as it is tried: what comes back comes with the list that it had. */
    @Test
    void goesBackWithItsAccessList() throws Exception {
        cli.ok("create", "./other.bsl", "--size", "32M", "--key-file", "./other");
        String listed = A + ", access: [{uid: 4711, mode: read-write}]";
        try (Daemon daemon = serve(listed, B)) {
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "a", 1));
            cli.configuration("path: ./a.bsl, key-file: ./other", B);
            for (int i = 0; i < 2; i++) {
                assertEquals(List.of("a failed", "partly " + ExitCode.WRONG_KEY.number()), reload());
                assertEquals(List.of("b open", "a open"), served());
                assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "a", 1));
            }
            cli.configuration(listed, B);
            assertEquals(List.of("done 0"), reload());
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "a", 1));
        }
    }

    /** An erased volume is not what the file asks for, whatever is at its place now. */
    @Test
    void anErasedVolumeIsNotUnchanged() throws Exception {
        try (Daemon daemon = serve(A, B)) {
            assertFalse(daemon.addresses().isEmpty());
            String uuid = "";
            for (JsonNode each :
                    JSON.readTree(cli.served("status", "--json").out()).get("volumes")) {
                uuid = each.get("name").asText().equals("a") ? each.get("uuid").asText() : uuid;
            }
            assertEquals(0, cli.served("erase", "a", "--yes-erase", uuid).exitCode());
            assertEquals(List.of("a failed", "partly 4"), reload());
            cli.configuration(B);
            assertEquals(List.of("done 0"), reload());
            assertEquals(List.of("b open"), served());
        }
    }

    @Test
    void tellsWhatNeedsAnotherStart() throws Exception {
        try (Daemon daemon = serve(A)) {
            Path file = cli.path("c.yaml");
            Files.writeString(file, Files.readString(file).replace("loops: 1", "loops: 2\ndrain-seconds: 3"));
            assertEquals(
                    List.of(
                            "loops changes-when-the-daemon-is-started-anew",
                            "drain-seconds changes-when-the-daemon-is-started-anew",
                            "partly 1"),
                    reload());
            assertFalse(daemon.addresses().isEmpty());
        }
    }

    /** A name may go to another volume, and a volume to another name. */
    @Test
    void swapsNames() throws Exception {
        try (Daemon daemon = serve(A, B)) {
            try (Guest a = Guest.connect(daemon, "a", 8)) {
                a.fill();
            }
            cli.configuration("path: ./a.bsl, name: b, key-file: ./k", "path: ./b.bsl, name: a, key-file: ./k");
            assertEquals(List.of("b opened-anew", "a opened-anew", "done 0"), reload());
            try (Guest b = Guest.connect(daemon, "b", 8)) {
                b.expectAsFilled();
                b.requireAllRight();
            }
        }
    }

    /** It waits as at the start, and one that waits can go. */
    @Test
    void oneWhoseKeyCannotBeHadWaitsAndMayLeaveMeanwhile() throws Exception {
        MoodyProgram program = MoodyProgram.in(directory);
        String far = "path: ./far.bsl, key-source: \"" + program.uri() + "\"";
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", program.uri());
        try (Daemon daemon = serve(A)) {
            program.mood("unreachable");
            cli.configuration(A, far);
            assertEquals(List.of("far waits-for-its-key", "done 0"), reload());
            cli.configuration(A);
            assertEquals(List.of("far not-served-any-more", "done 0"), reload());
            cli.configuration(A, far);
            assertEquals(List.of("far waits-for-its-key", "done 0"), reload());
            program.mood("well");
            while (!served().equals(List.of("a open", "far open"))) {
                Thread.onSpinWait();
            }
            try (Guest guest = Guest.connect(daemon, "far", 9)) {
                guest.fill();
                guest.requireAllRight();
            }
        }
    }

    /** Whoever waits for the key of a locked volume comes again, and hears of no error. */
    @Test
    void whoWaitsForAVolumeThatIsOpenedAnewHearsOfNoError() throws Exception {
        cli.configuration(A);
        Path file = cli.path("c.yaml");
        // As good as never: nobody waits for what waits for a key.
        String patient = Files.readString(file).replace("loops: 1", "loops: 1\ndrain-seconds: 600");
        Files.writeString(file, patient);
        try (Daemon daemon = Daemon.start(
                        ConfigReader.read(file),
                        () -> ConfigReader.read(file),
                        () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
                Guest guest = Guest.connect(daemon, "a", 13)) {
            guest.fill();
            assertEquals(0, cli.served("lock", "a").exitCode());
            guest.begin();
            Files.writeString(file, patient.replace("path:", "description: other, path:"));
            assertEquals(List.of("a opened-anew", "done 0"), reload());
            Throwable failure = guest.failure();
            assertInstanceOf(NbdDisconnectedException.class, failure.getCause().getCause(), failure::toString);
            try (Guest again = Guest.connect(daemon, "a", 14)) {
                again.fill();
                again.requireAllRight();
            }
        }
    }

    /** A daemon that is told to stop waits for no source, at a reload either. */
    @Test
    @Timeout(30)
    void aStopDoesNotWaitForTheSourceThatAReloadAsks() throws Exception {
        MoodyProgram program = MoodyProgram.in(directory);
        String far = "path: ./far.bsl, key-source: \"" + program.uri() + "?timeout-seconds=59\"";
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", program.uri());
        CompletableFuture<Cli.Result> reloading;
        try (Daemon daemon = serve(A)) {
            assertFalse(daemon.addresses().isEmpty());
            program.mood("silent");
            cli.configuration(A, far);
            long askedBefore = program.asked();
            reloading = CompletableFuture.supplyAsync(() -> cli.served("reload"));
            while (program.asked() == askedBefore) {
                Thread.onSpinWait();
            }
        }
        reloading.get(20, TimeUnit.SECONDS);
        program.mood("well");
        cli.ok("check", "./far.bsl", "--key-source", program.uri());
    }

    /** It does not hold the reload up, and goes on where it was when the volume is served again. */
    @Test
    void aRotationGoesOnWhenTheVolumeComesBack() throws Exception {
        cli.ok("create", "./r.bsl", "--size", "64M", "--range-size", "16M", "--key-file", "./k");
        String slow = "path: ./r.bsl, key-file: ./k, rotation-rate: 1M";
        try (Daemon daemon = serve(A, slow)) {
            try (Guest guest = Guest.connect(daemon, "r", 10)) {
                guest.fill();
            }
            assertEquals(0, cli.served("rotate-dek", "r", "--all", "--detach").exitCode());
            cli.configuration(A);
            assertEquals(List.of("r not-served-any-more", "done 0"), reload());
            cli.configuration(A, slow);
            assertEquals(List.of("r opened", "done 0"), reload());
            String jobs = cli.served("job", "list").out();
            assertTrue(jobs.contains("rotate-dek") && jobs.contains("r"), jobs);
            assertTrue(jobs.contains("running") || jobs.contains("queued"), jobs);
            try (Guest guest = Guest.connect(daemon, "r", 10)) {
                guest.expectAsFilled();
                guest.requireAllRight();
            }
        }
    }

    @Test
    void aDaemonWithoutAFileHasNothingToLoad() throws Exception {
        try (Daemon daemon = Daemon.start(cli.configuration(A))) {
            Cli.Result result = cli.served("reload");
            assertEquals(ExitCode.USAGE.number(), result.exitCode());
            assertTrue(result.err().contains("no configuration file"), result.err());
            assertFalse(daemon.addresses().isEmpty());
        }
    }
}

package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.daemon.Daemon;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose key source takes the key of a volume away while a client writes, and gives it back. */
@Timeout(120)
class RevocationTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long TEN_MINUTES = 600_000;

    private final AtomicLong millis = new AtomicLong(1);

    @TempDir
    private Path directory;

    private Cli cli;
    private MoodyProgram program;

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        program = MoodyProgram.in(directory);
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", program.uri());
    }

    private Daemon serve(String policy) throws Exception {
        return Daemon.start(
                cli.configuration(
                        "path: ./far.bsl, key-source: \"" + program.uri() + "\", key-check-seconds: 1, " + policy),
                null,
                millis::get);
    }

    private String state() throws Exception {
        JsonNode volumes = JSON.readTree(cli.served("status", "--json").out()).get("volumes");
        return volumes.get(0).get("state").asText();
    }

    /** Lets time go by until the volume is in that state. */
    private void await(String state) throws Exception {
        while (!state().equals(state)) {
            millis.addAndGet(TEN_MINUTES);
        }
    }

    /** Whoever takes a key away wants that to be noticed; and nothing that was answered is lost by it. */
    @Test
    void failsRequestsAfterTheGraceAndResumesByItself() throws Exception {
        try (Daemon daemon = serve("revocation-grace-seconds: 3600");
                Guest guest = Guest.connect(daemon, 11)) {
            guest.fill();
            guest.begin();
            guest.awaitOneMore();
            program.mood("refused");
            await("locked");
            String failure = String.valueOf(guest.failure().getCause());
            assertTrue(failure.contains("EIO"), failure);
            String status = cli.served("status").out();
            assertTrue(status.contains("key: revoked, and the time of grace is over: fail-io: "), status);
            program.mood("well");
            await("open");
            guest.requireAllRight();
            guest.begin();
            guest.awaitOneMore();
            guest.end();
            guest.requireAllRight();
        }
        cli.ok("check", "./far.bsl", "--key-source", program.uri());
    }

    @Test
    void mayFreezeRequestsInsteadSoThatClientsNoticeNothingButTheTime() throws Exception {
        try (Daemon daemon = serve("revocation-grace-seconds: 3600, on-revocation: freeze");
                Guest guest = Guest.connect(daemon, 12)) {
            guest.fill();
            guest.begin();
            guest.awaitOneMore();
            program.mood("refused");
            await("locked");
            program.mood("well");
            await("open");
            guest.awaitOneMore();
            guest.end();
            guest.requireAllRight();
        }
    }

    /** A source that is down is no revocation, however long it lasts. */
    @Test
    void anOutageTakesNoVolumeAway() throws Exception {
        try (Daemon daemon = serve("revocation-grace-seconds: 0");
                Guest guest = Guest.connect(daemon, 13)) {
            guest.fill();
            guest.begin();
            program.mood("unreachable");
            // One answer of before may be on its way; of refusals, three would do.
            long before = program.asked();
            while (program.asked() < before + 4) {
                millis.addAndGet(TEN_MINUTES);
                guest.awaitOneMore();
            }
            assertEquals("open", state());
            guest.end();
            guest.requireAllRight();
        }
    }
}

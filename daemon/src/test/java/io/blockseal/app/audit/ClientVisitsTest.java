package io.blockseal.app.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.audit.AuditLog;
import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ClientIdentity.Proof;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.ConnectionWatch.Visit;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class ClientVisitsTest {
    private final ExportMetrics db = new ExportMetrics("db", 1);

    private static Visit visit(String name, String... alternatives) {
        return new Visit(
                "db",
                "/192.0.2.7:4711",
                new ClientIdentity(Proof.CERTIFICATE, name, List.of(alternatives)),
                "TLSv1.3",
                true);
    }

    private List<String> told(Visit... visits) {
        try (AuditLines lines = AuditLines.listen()) {
            try (ClientVisits watch = new ClientVisits(new TlsFigures(), () -> List.of(db))) {
                for (Visit each : visits) {
                    watch.refused(each);
                }
            }
            return lines.of(AuditEvent.CLIENT_REFUSED);
        }
    }

    @Test
    void aRefusalIsToldWithAllThatIsKnownOfTheClient() {
        List<String> told = told(visit("CN=vm1,O=Acme", "dns:vm1.example.org", "uri:spiffe://example.org/vm1"));
        assertEquals(1, told.size());
        assertTrue(
                told.get(0)
                        .startsWith("audit event=client-refused export=db peer=/192.0.2.7:4711 tls=TLSv1.3"
                                + " proof=certificate client=\"CN=vm1,O=Acme\""
                                + " names=dns:vm1.example.org,uri:spiffe://example.org/vm1 uid="),
                told.get(0));
        assertEquals(1, db.refusals());
    }

    /** An authority signs what it is shown: nobody gets a name, a field or a line of the log by it. */
    @Test
    void namesOfACertificateStayWhatTheyAre() {
        String line = told(visit(
                        "CN=a\" proof=psk export=\"other\n audit event=client-opened",
                        "dns:x,uri:spiffe://example.org/vm1",
                        "email:50%25\u202e"))
                .get(0);
        assertEquals(1, line.lines().count());
        assertTrue(
                line.contains("client=\"CN=a\\\" proof=psk export=\\\"other\\u000a audit event=client-opened\""), line);
        assertTrue(line.contains("names=\"dns:x%2Curi:spiffe://example.org/vm1,email:50%2525\\u202e\""), line);
        String shown = new ClientIdentity(Proof.CERTIFICATE, "", List.of("dns:a\" proof=\"psk\n")).toString();
        assertEquals("dns:a' proof='psk?", shown);
    }

    /** Who is refused a hundred thousand times a second fills no memory with it, and is still counted. */
    @Test
    void refusalsBeyondWhatCanBeWrittenAreCounted() {
        int all = 5000;
        List<String> told;
        try (SlowDisk disk = new SlowDisk();
                AuditLines lines = AuditLines.listen()) {
            try (ClientVisits watch = new ClientVisits(new TlsFigures(), () -> List.of(db))) {
                for (int i = 0; i < all; i++) {
                    watch.refused(visit("CN=a"));
                }
                disk.answer();
            }
            told = lines.of(AuditEvent.CLIENT_REFUSED);
        }
        assertEquals(all, db.refusals());
        assertTrue(told.size() <= 1001, told.size() + " lines");
        long unwritten = 0;
        for (String line : told) {
            Matcher matcher = Pattern.compile(" unwritten=(\\d+)").matcher(line);
            unwritten += matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
        }
        assertEquals(all, told.size() + unwritten);
    }

    /** A flood of clients fills no memory, and no line is left out: they wait outside. */
    @Test
    void nobodyMoreIsLetInWhileTheAuditIsBehind() {
        int most = 100;
        try (SlowDisk disk = new SlowDisk();
                AuditLines lines = AuditLines.listen()) {
            try (ClientVisits watch = new ClientVisits(new TlsFigures(), () -> List.of(db), most)) {
                int letIn = 0;
                while (!watch.isBehind()) {
                    watch.opened(visit("CN=" + letIn));
                    letIn++;
                }
                assertEquals(most, letIn);
                // Those who are there may go, and are told of.
                for (int i = 0; i < letIn; i++) {
                    watch.closed(visit("CN=" + i));
                }
                assertTrue(watch.isBehind());
                disk.answer();
                while (watch.isBehind()) {
                    Thread.onSpinWait();
                }
            }
            assertEquals(most, lines.of(AuditEvent.CLIENT_OPENED).size());
            assertEquals(most, lines.of(AuditEvent.CLIENT_CLOSED).size());
        }
    }

    /** Takes no line of the audit log before it is told to. */
    private static final class SlowDisk extends AppenderBase<ILoggingEvent> implements AutoCloseable {
        private final CountDownLatch answering = new CountDownLatch(1);
        private final Logger logger = (Logger) LoggerFactory.getLogger(AuditLog.LOGGER);

        SlowDisk() {
            start();
            logger.addAppender(this);
        }

        @Override
        protected void append(ILoggingEvent event) {
            try {
                answering.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void answer() {
            answering.countDown();
        }

        @Override
        public void close() {
            answer();
            logger.detachAppender(this);
        }
    }
}

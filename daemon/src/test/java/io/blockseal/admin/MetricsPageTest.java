package io.blockseal.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.job.JobTally;
import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.KeyChanges;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.metrics.ReloadFigures;
import io.blockseal.metrics.RequestKind;
import io.blockseal.metrics.RotationMetrics;
import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFailure;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.volume.VolumeKeyRotation;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MetricsPageTest {
    private static final Path DOCS = Path.of("..", "docs", "metrics.md");

    private final ExportMetrics requests = new ExportMetrics("db \"1\"\\", 2);
    private final ExportKeys keys = new ExportKeys(
            "db \"1\"\\",
            new KeyFigures(1, 2, 3, 4, 1_000, 2_000, 5, 6, 70, 7, 1),
            3_000,
            8,
            new KeyChanges(),
            new VolumeKeyRotation.Standing(9, true, 1, 4),
            new RotationMetrics());
    private final TlsFigures tls = new TlsFigures();
    private final RefusalFigures refusals = new RefusalFigures();
    private final List<ExportHealth> exports = new ArrayList<>(List.of(
            new ExportHealth("db \"1\"\\", "open", 1L << 40, 7, 8, 9),
            new ExportHealth("other", "opening", 0, 0, 0, 0)));
    private MetricsPage page;

    @BeforeEach
    void make() {
        page = new MetricsPage(new MetricsSources(
                "1.2.3",
                "java",
                "heap",
                () -> List.of(requests),
                () -> exports,
                () -> List.of(keys),
                () -> List.of(
                        new JobTally("db \"1\"\\", "rotate-dek", 1, 2, 3, 4, 5, 6, 70, 8.5),
                        new JobTally("other", "rotate-dek", 1, 0, 0, 0, 0, 0, -1, -1)),
                tls,
                refusals,
                new ReloadFigures(InstantSource.fixed(Instant.ofEpochSecond(1_700_000_000))),
                () -> 1 << 20,
                () -> 2 << 20,
                () -> 128 << 20,
                () -> 3,
                () -> 4,
                () -> 5));
    }

    @AfterEach
    void close() {
        page.close();
    }

    @Test
    void addsUpWhatTheLoopsCounted() {
        requests.recorder(0).completed(RequestKind.READ, false, 4096, 900);
        requests.recorder(1).completed(RequestKind.READ, false, 4096, 1_500_000);
        requests.recorder(1).completed(RequestKind.WRITE, true, 512, 3_000);
        requests.recorder(0).connections(2);
        requests.recorder(1).inFlight(3);

        Exposition parsed = Exposition.parse(page.render().body());
        String export = "export=db \\\"1\\\"\\\\";
        assertEquals(2, parsed.value("blockseal_requests_total", export, "command=read"));
        assertEquals(0, parsed.value("blockseal_request_errors_total", export, "command=read"));
        assertEquals(1, parsed.value("blockseal_request_errors_total", export, "command=write"));
        assertEquals(8192, parsed.value("blockseal_bytes_total", export, "direction=read"));
        assertEquals(0, parsed.value("blockseal_bytes_total", export, "direction=write"));
        assertEquals(2, parsed.value("blockseal_connections", export));
        assertEquals(3, parsed.value("blockseal_requests_in_flight", export));
        String name = "blockseal_request_duration_seconds";
        assertEquals(1, parsed.value(name + "_bucket", export, "command=read", "le=1.0E-6"));
        assertEquals(1, parsed.value(name + "_bucket", export, "command=read", "le=0.001024"));
        assertEquals(2, parsed.value(name + "_bucket", export, "command=read", "le=0.002048"));
        assertEquals(2, parsed.value(name + "_count", export, "command=read"));
        assertEquals(0.0015009, parsed.value(name + "_sum", export, "command=read"), 1e-9);
    }

    @Test
    void saysWhichStateVolumesAreInAndWhatProtectsTheirKeys() {
        Exposition parsed = Exposition.parse(page.render().body());
        assertEquals(1, parsed.value("blockseal_volume_state", "export=other", "state=opening"));
        assertEquals(0, parsed.value("blockseal_volume_state", "export=other", "state=open"));
        assertEquals(9, parsed.value("blockseal_dek_cache_evictions_total", "export=db \\\"1\\\"\\\\"));
        assertEquals(3, parsed.value("blockseal_rollback_anchor_failures_total"));
        assertEquals(4, parsed.value("blockseal_audit_failures_total"));
        assertEquals(5, parsed.value("blockseal_audit_waiting"));
        assertEquals(1, parsed.value("blockseal_key_protection_info", "engine=java", "keys=heap"));
        assertEquals(1, parsed.value("blockseal_build_info", "version=1.2.3"));
    }

    /** An alert that is to ring during an outage of a key source needs something that grows; of no key there is nothing. */
    @Test
    void tellsHowLongAgoAKeySourceHasGivenTheKeyOnceItHas() {
        KeyHealth doubt = new KeyHealth("in-doubt", 312.5, 0, 0, KeyHealth.Service.ON, "away");
        exports.add(new ExportHealth("doubt", "open", 1, 0, 0, 0, 0, false, 0, ExportHealth.Mirror.NONE, 0, 0, doubt));
        exports.add(ExportHealth.unopened("awaited", KeyHealth.unopened(KeyHealth.AWAITED, "away")));
        exports.add(ExportHealth.unopened("given-up", KeyHealth.unopened(KeyHealth.GIVEN_UP, "too small")));
        Exposition parsed = Exposition.parse(page.render().body());
        String age = "blockseal_key_verified_age_seconds";
        assertEquals(312.5, parsed.value(age, "export=doubt"));
        for (String without : List.of("awaited", "given-up", "other")) {
            assertFalse(parsed.samples.containsKey(age + "{export=" + without + "}"), without);
        }
        for (String standing : KeyHealth.STANDINGS) {
            String label = "standing=" + standing;
            assertEquals(
                    standing.equals("in-doubt") ? 1 : 0,
                    parsed.value("blockseal_key_access", "export=doubt", label),
                    standing);
            assertEquals(
                    standing.equals("given-up") ? 1 : 0,
                    parsed.value("blockseal_key_access", "export=given-up", label),
                    standing);
        }
    }

    @Test
    void tellsOfKeysHowManyThereAreAndHowOld() {
        keys.changes().shreddedByDiscards(11);
        Exposition parsed = Exposition.parse(page.render().body());
        String export = "export=db \\\"1\\\"\\\\";
        assertEquals(1, parsed.value("blockseal_ranges", export, "state=none"));
        assertEquals(2, parsed.value("blockseal_ranges", export, "state=active"));
        assertEquals(3, parsed.value("blockseal_ranges", export, "state=shredded"));
        assertEquals(4, parsed.value("blockseal_ranges", export, "state=lost"));
        assertEquals(2_000, parsed.value("blockseal_dek_age_oldest_seconds", export));
        assertEquals(1_000, parsed.value("blockseal_dek_age_median_seconds", export));
        assertEquals(5, parsed.value("blockseal_dek_generation_max", export));
        assertEquals(6, parsed.value("blockseal_dek_generation_median", export));
        assertEquals(70, parsed.value("blockseal_dek_encrypted_bytes", export));
        assertEquals(7, parsed.value("blockseal_dek_encrypted_bytes_max", export));
        assertEquals(8, parsed.value("blockseal_slots_free", export));
        assertEquals(11, parsed.value("blockseal_ranges_shredded_total", export, "cause=discard"));
        assertEquals(9, parsed.value("blockseal_volume_key_epoch", export));
        assertEquals(1, parsed.value("blockseal_volume_key_rotation_active", export));
        assertEquals(0.25, parsed.value("blockseal_volume_key_current_ratio", export));
    }

    @Test
    void tellsHowFarARotationIs() {
        String export = "export=db \\\"1\\\"\\\\";
        Exposition before = Exposition.parse(page.render().body());
        assertEquals(0, before.value("blockseal_rotation_active", export));
        keys.rotation().begin(40, 1 << 20, 900);
        keys.rotation().done(10);
        keys.rotation().copied(12_345);
        keys.rotation().failed();

        Exposition parsed = Exposition.parse(page.render().body());
        assertEquals(1, parsed.value("blockseal_rotation_active", export));
        assertEquals(40, parsed.value("blockseal_rotation_ranges", export));
        assertEquals(10, parsed.value("blockseal_rotation_ranges_done", export));
        assertEquals(1 << 20, parsed.value("blockseal_rotation_rate_limit_bytes_per_second", export));
        assertEquals(0.5, parsed.value("blockseal_rotation_rekeyed_ratio", export));
        assertEquals(12_345, parsed.value("blockseal_rotation_copied_bytes_total", export));
        assertEquals(1, parsed.value("blockseal_rotation_failures_total", export));

        keys.rotation().end();
        Exposition after = Exposition.parse(page.render().body());
        assertEquals(0, after.value("blockseal_rotation_active", export));
        assertEquals(10, after.value("blockseal_rotation_ranges_done", export), "it ended before it was through");
        assertTrue(after.samples.keySet().stream().noneMatch(key -> key.startsWith("blockseal_rotation_rate_limit")));
    }

    @Test
    void tellsHowConnectionsAreProtected() {
        assertTrue(Exposition.parse(page.render().body()).samples.keySet().stream()
                .noneMatch(key -> key.startsWith("blockseal_tls_certificate_end")));
        tls.countPlain();
        tls.countSecured("TLSv1.3", "certificate");
        tls.countSecured("TLSv1.3", "certificate");
        tls.countSecured("TLSv1.2", "none");
        tls.countFailure(TlsFailure.NOT_TLS);
        tls.countBreach(TlsBreach.EMPTY_RECORDS);
        tls.certificateEnds(2_000_000_000);

        Exposition parsed = Exposition.parse(page.render().body());
        assertEquals(1, parsed.value("blockseal_plain_connections_total"));
        assertEquals(2, parsed.value("blockseal_tls_handshakes_total", "version=TLSv1.3", "proof=certificate"));
        assertEquals(1, parsed.value("blockseal_tls_handshakes_total", "version=TLSv1.2", "proof=none"));
        assertEquals(1, parsed.value("blockseal_tls_handshake_failures_total", "reason=not-tls"));
        assertEquals(0, parsed.value("blockseal_tls_handshake_failures_total", "reason=timeout"));
        assertEquals(1, parsed.value("blockseal_tls_breaches_total", "reason=empty-records"));
        assertEquals(0, parsed.value("blockseal_tls_breaches_total", "reason=renegotiation"));
        assertEquals(2_000_000_000, parsed.value("blockseal_tls_certificate_end_seconds"));
    }

    @Test
    void tellsWhomLimitsKeptOutOrEnded() {
        refusals.count(ConnectionRefusal.ADDRESS);
        refusals.count(CutOff.HANDSHAKE_TIME);
        refusals.count(CutOff.HANDSHAKE_TIME);
        Exposition parsed = Exposition.parse(page.render().body());
        assertEquals(1, parsed.value("blockseal_connections_refused_total", "reason=address"));
        assertEquals(0, parsed.value("blockseal_connections_refused_total", "reason=overall"));
        assertEquals(2, parsed.value("blockseal_connections_cut_off_total", "reason=handshake-time"));
        assertEquals(0, parsed.value("blockseal_connections_cut_off_total", "reason=unreachable"));
    }

    @Test
    void countsJobsByVerbAndState() {
        Exposition parsed = Exposition.parse(page.render().body());
        String export = "export=db \\\"1\\\"\\\\";
        String verb = "verb=rotate-dek";
        assertEquals(1, parsed.value("blockseal_jobs", export, verb, "state=queued"));
        assertEquals(2, parsed.value("blockseal_jobs", export, verb, "state=running"));
        assertEquals(3, parsed.value("blockseal_jobs", export, verb, "state=paused"));
        assertEquals(4, parsed.value("blockseal_jobs_ended_total", export, verb, "state=done"));
        assertEquals(5, parsed.value("blockseal_jobs_ended_total", export, verb, "state=failed"));
        assertEquals(6, parsed.value("blockseal_jobs_ended_total", export, verb, "state=canceled"));
        assertEquals(70, parsed.value("blockseal_job_remaining_seconds", verb));
        assertEquals(8.5, parsed.value("blockseal_job_checkpoint_age_seconds", verb), "none of one that waits");
        assertEquals(0, parsed.value("blockseal_jobs_ended_total", "export=other", "state=failed"));
    }

    @Test
    void isDocumentedMetricByMetric() throws Exception {
        tls.countSecured("TLSv1.3", "none");
        tls.certificateEnds(1);
        keys.rotation().begin(40, 1 << 20, 900);
        requests.recorder(0).completed(RequestKind.READ, false, 4096, 900);
        TreeSet<String> served =
                new TreeSet<>(Exposition.parse(page.render().body()).types.keySet());
        // Some JVM metrics appear only once there was something to tell, such as a pause: those may be documented too.
        String docs = Files.readString(DOCS);
        TreeSet<String> documented = Pattern.compile("(?m)^\\| `([a-z0-9_]+)` \\|")
                .matcher(docs)
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        TreeSet<String> missing = new TreeSet<>(served);
        missing.removeAll(documented);
        assertEquals(new TreeSet<String>(), missing, "served but not in docs/metrics.md");
        TreeSet<String> invented = new TreeSet<>(documented);
        invented.removeAll(served);
        invented.removeIf(name -> name.startsWith("jvm_gc_"));
        assertEquals(new TreeSet<String>(), invented, "in docs/metrics.md but not served");
    }

    /** Whoever is on call looks for them. */
    @Test
    void theOperatorsPageNamesFiguresThatAreThere() throws Exception {
        tls.certificateEnds(1);
        keys.rotation().begin(40, 1 << 20, 900);
        TreeSet<String> named = Pattern.compile("blockseal_[a-z_]+")
                .matcher(Files.readString(DOCS.resolveSibling("operations.md")))
                .results()
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        assertTrue(named.size() > 10, named.toString());
        named.removeAll(Exposition.parse(page.render().body()).types.keySet());
        assertEquals(new TreeSet<String>(), named, "in docs/operations.md but not served");
    }

    /** An alert on a figure that is not there would never ring. */
    @Test
    void alertsLookAtFiguresThatAreThere() throws Exception {
        tls.certificateEnds(1);
        keys.rotation().begin(40, 1 << 20, 900);
        TreeSet<String> looked = Pattern.compile("(?m)^ +expr: (.*)$")
                .matcher(Files.readString(DOCS))
                .results()
                .flatMap(match -> Pattern.compile("blockseal_[a-z_]+")
                        .matcher(match.group(1))
                        .results())
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        assertTrue(looked.contains("blockseal_jobs_ended_total"), looked::toString);
        looked.removeAll(Exposition.parse(page.render().body()).types.keySet());
        assertEquals(new TreeSet<String>(), looked, "in an alert but not served");
    }

    @Test
    void pleasesPromtool() throws Exception {
        requests.recorder(0).completed(RequestKind.READ, false, 4096, 900);
        Path promtool = Stream.of(System.getenv("PATH").split(":"))
                .map(directory -> Path.of(directory, "promtool"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(promtool != null, "promtool is not installed (Debian package prometheus)");
        Process process = new ProcessBuilder(promtool.toString(), "check", "metrics")
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().write(page.render().body().getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertTrue(
                said.lines().noneMatch(line -> line.startsWith("blockseal_")), "promtool on our own metrics: " + said);
    }
}

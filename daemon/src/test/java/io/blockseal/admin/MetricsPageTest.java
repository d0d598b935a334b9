package io.blockseal.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.job.JobTally;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RequestKind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private MetricsPage page;

    @BeforeEach
    void make() {
        page = new MetricsPage(new MetricsSources(
                "1.2.3",
                "java",
                "heap",
                () -> List.of(requests),
                () -> List.of(
                        new ExportHealth("db \"1\"\\", "open", 1L << 40, 7, 8, 9),
                        new ExportHealth("other", "opening", 0, 0, 0, 0)),
                () -> List.of(
                        new JobTally("db \"1\"\\", "rotate-dek", 1, 2, 3, 4, 5, 6, 70, 8.5),
                        new JobTally("other", "rotate-dek", 1, 0, 0, 0, 0, 0, -1, -1)),
                () -> 1 << 20,
                () -> 2 << 20,
                () -> 128 << 20,
                () -> 3));
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
        assertEquals(1, parsed.value("blockseal_key_protection_info", "engine=java", "keys=heap"));
        assertEquals(1, parsed.value("blockseal_build_info", "version=1.2.3"));
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

    /** An alert on a figure that is not there would never ring. */
    @Test
    void alertsLookAtFiguresThatAreThere() throws Exception {
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

package io.blockseal.admin;

import io.blockseal.job.JobState;
import io.blockseal.job.JobTally;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.ToLongFunction;

/** Tells Prometheus of the jobs on all volumes. On the admin loop. */
final class JobCollector extends Collector {
    private record Count(JobState state, ToLongFunction<JobTally> of) {}

    private static final List<Count> NOW = List.of(
            new Count(JobState.QUEUED, JobTally::queued),
            new Count(JobState.RUNNING, JobTally::running),
            new Count(JobState.PAUSED, JobTally::paused));
    private static final List<Count> ENDED = List.of(
            new Count(JobState.DONE, JobTally::done),
            new Count(JobState.FAILED, JobTally::failed),
            new Count(JobState.CANCELED, JobTally::canceled));

    private final MetricsSources sources;

    JobCollector(MetricsSources sources) {
        this.sources = sources;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        Collection<JobTally> tallies = sources.jobs().get();
        List<MetricFamilySamples> families = new ArrayList<>();
        families.add(byState(
                "blockseal_jobs", Type.GAUGE, "Jobs that have not ended, by what they are doing", tallies, NOW));
        families.add(byState(
                "blockseal_jobs_ended_total",
                Type.COUNTER,
                "Jobs that have ended since the daemon began, by how",
                tallies,
                ENDED));
        families.addAll(
                new Families<>(tallies, List.of("export", "verb"), tally -> List.of(tally.volume(), tally.verb()))
                        .gauge(
                                "blockseal_job_remaining_seconds",
                                "How long the job may still take, judged by its pace; only where that can be told",
                                tally -> tally.secondsLeft() >= 0,
                                JobTally::secondsLeft)
                        .gauge(
                                "blockseal_job_checkpoint_age_seconds",
                                "How long ago the job was last where it could pause or end; only of jobs that have begun",
                                tally -> tally.checkpointSeconds() >= 0,
                                JobTally::checkpointSeconds)
                        .list());
        return families;
    }

    private static MetricFamilySamples byState(
            String name, Type type, String help, Collection<JobTally> tallies, List<Count> states) {
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (JobTally tally : tallies) {
            for (Count count : states) {
                samples.add(new MetricFamilySamples.Sample(
                        name,
                        List.of("export", "verb", "state"),
                        List.of(tally.volume(), tally.verb(), count.state().word()),
                        count.of().applyAsLong(tally)));
            }
        }
        return new MetricFamilySamples(name, type, help, samples);
    }
}

package io.blockseal.job;

import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts jobs by volume and verb, those too that are no longer told about. Under the lock of {@link Jobs}. */
final class JobTallies {
    private record Kind(String volume, String verb) implements Comparable<Kind> {
        static Kind of(JobRun job) {
            return new Kind(job.request.volume(), job.request.verb());
        }

        @Override
        public int compareTo(Kind other) {
            int byVolume = volume.compareTo(other.volume);
            return byVolume == 0 ? verb.compareTo(other.verb) : byVolume;
        }
    }

    private final Map<Kind, Map<JobState, Long>> endedByState = new TreeMap<>();

    /** Jobs of the kind are told of from now on, though there be none. */
    void expect(String volume, String verb) {
        endedByState.computeIfAbsent(new Kind(volume, verb), kind -> new EnumMap<>(JobState.class));
    }

    void ended(JobRun job) {
        endedByState
                .computeIfAbsent(Kind.of(job), kind -> new EnumMap<>(JobState.class))
                .merge(job.state(), 1L, Long::sum);
    }

    /** A tally of each kind; {@code known} are all those that have not ended, and some that have. */
    List<JobTally> with(Collection<JobRun> known) {
        return endedByState.entrySet().stream()
                .map(entry -> tally(entry.getKey(), entry.getValue(), under(entry.getKey(), known)))
                .toList();
    }

    private static List<JobRun> under(Kind kind, Collection<JobRun> known) {
        return known.stream()
                .filter(job -> !job.state().ended() && Kind.of(job).equals(kind))
                .toList();
    }

    private static JobTally tally(Kind kind, Map<JobState, Long> ended, List<JobRun> live) {
        return new JobTally(
                kind.volume,
                kind.verb,
                count(live, JobState.QUEUED),
                count(live, JobState.RUNNING),
                count(live, JobState.PAUSED),
                ended.getOrDefault(JobState.DONE, 0L),
                ended.getOrDefault(JobState.FAILED, 0L),
                ended.getOrDefault(JobState.CANCELED, 0L),
                live.stream().mapToLong(JobRun::secondsLeft).max().orElse(-1),
                live.stream().mapToDouble(JobRun::checkpointSeconds).max().orElse(-1));
    }

    private static long count(List<JobRun> jobs, JobState state) {
        return jobs.stream().filter(job -> job.state() == state).count();
    }
}

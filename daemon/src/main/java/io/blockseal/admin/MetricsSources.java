package io.blockseal.admin;

import io.blockseal.job.JobTally;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.metrics.ReloadFigures;
import io.blockseal.metrics.TlsFigures;
import java.util.Collection;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Where a scrape finds its figures. All suppliers are called on the admin loop and must not block.
 *
 * @param version of the daemon
 * @param engine {@code native} or {@code java}
 * @param keyProtection the word of the start-up line: {@code locked}, {@code unlocked}, {@code heap}
 * @param requests each export's counters
 * @param exports each export's state
 * @param keys the keys of each volume that was opened
 * @param jobs the jobs of each volume, by verb
 * @param tls how connections are protected
 * @param refusals how many connections found no place, or lost it by a limit
 * @param reloads how the configuration was loaded again
 * @param bufferLeasedBytes guest data in flight
 * @param bufferMappedBytes memory that buffers take
 * @param bufferLimitBytes the most they may take
 * @param anchorFailures how often a rollback anchor could not be written
 * @param auditFailures how often a line of the audit log could not be written or sent
 * @param auditWaiting how many lines are not in the audit log yet
 */
public record MetricsSources(
        String version,
        String engine,
        String keyProtection,
        Supplier<Collection<ExportMetrics>> requests,
        Supplier<Collection<ExportHealth>> exports,
        Supplier<Collection<ExportKeys>> keys,
        Supplier<Collection<JobTally>> jobs,
        TlsFigures tls,
        RefusalFigures refusals,
        ReloadFigures reloads,
        LongSupplier bufferLeasedBytes,
        LongSupplier bufferMappedBytes,
        LongSupplier bufferLimitBytes,
        LongSupplier anchorFailures,
        LongSupplier auditFailures,
        LongSupplier auditWaiting) {}

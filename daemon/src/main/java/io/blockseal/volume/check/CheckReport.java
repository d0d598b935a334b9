package io.blockseal.volume.check;

import java.util.List;

/**
 * What a check found.
 *
 * @param volume its name
 * @param authenticated whether a key was there, so that MACs and wrapped DEKs could be verified
 * @param activeRanges ranges that have a DEK
 * @param findings what is not as it should be, in the order of the disk; empty is good
 */
public record CheckReport(String volume, boolean authenticated, long activeRanges, List<Finding> findings) {
    /** How bad. */
    public enum Severity {
        /** One of two copies: nothing is lost, and opening for writing repairs it. */
        REPAIRABLE,
        /** Lost unless a backup has it. */
        DAMAGE
    }

    /**
     * One thing that is wrong.
     *
     * @param block which: "root A", "table page 12 copy B", "range 371"
     * @param field its name in docs/format.md, or empty for the whole block
     * @param message what was found
     */
    public record Finding(Severity severity, String block, String field, String message) {}

    /** Whether nothing at all was found. */
    public boolean healthy() {
        return findings.isEmpty();
    }

    /** Whether something can be put right. */
    public boolean repairable() {
        return findings.stream().anyMatch(finding -> finding.severity() == Severity.REPAIRABLE);
    }

    /** Whether something is lost. */
    public boolean damaged() {
        return findings.stream().anyMatch(finding -> finding.severity() == Severity.DAMAGE);
    }
}

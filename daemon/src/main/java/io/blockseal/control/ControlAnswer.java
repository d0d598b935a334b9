package io.blockseal.control;

import io.blockseal.job.JobOutcome;

/**
 * What is sent back.
 *
 * @param status by HTTP
 * @param outcome for people and for programs, and how a command ends that got it
 */
public record ControlAnswer(int status, JobOutcome outcome) {
    /** It went well. */
    public static ControlAnswer of(JobOutcome outcome) {
        return new ControlAnswer(200, outcome);
    }
}

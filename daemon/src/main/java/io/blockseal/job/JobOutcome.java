package io.blockseal.job;

/**
 * What work has to say at its end, once for people and once for programs: the same whether it was done by a command or
 * by a daemon.
 *
 * @param exitCode how a command ends that did this; 0 is well
 * @param text for people, whole lines; on standard output if it went well, else on standard error
 * @param json for programs: one JSON object, and a line break
 */
public record JobOutcome(int exitCode, String text, String json) {
    /** Of work that went well. */
    public static JobOutcome done(String text, String json) {
        return new JobOutcome(0, text, json);
    }

    /** Whether it went well. */
    public boolean ok() {
        return exitCode == 0;
    }
}

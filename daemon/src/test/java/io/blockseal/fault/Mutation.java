package io.blockseal.fault;

/**
 * A bug to be planted from outside: what is done to the stores while a case records, and while a crash's remains are
 * opened, so that the program behaves as if it had that bug.
 */
interface Mutation {
    /** The program as it is. */
    Mutation NONE = new Mutation() {};

    /** Right after {@link Scene#record()}. */
    default void whileRecording(Scene scene) throws Exception {}

    /** On what a crash left, before it is opened. */
    default void whileOpening(Layout layout, FaultJournal found) {}
}

package io.blockseal.keysource;

/**
 * The place outside the process where a KEK lives, as a test has it: a real server, a real token, or a stub that really
 * wraps. It can be told to misbehave.
 */
public interface Premises extends AutoCloseable {
    /** How a place can fail. */
    enum Trouble {
        /** None any more. */
        NONE,
        /** The key is disabled: a definite no. */
        DISABLED,
        /** The key is deleted: a definite no. */
        DELETED,
        /** We may not use it: a definite no. */
        FORBIDDEN,
        /** It does not know who we are, whatever we show: perhaps a matter of time. */
        UNAUTHENTICATED,
        /** Too many questions, every time. */
        THROTTLED,
        /** Too many questions, this once. */
        THROTTLED_ONCE,
        /** Something is broken there, every time. */
        BROKEN,
        /** Something is broken there, this once. */
        BROKEN_ONCE,
        /** It takes the question and never answers. */
        SILENT,
        /** It begins to answer and never ends. */
        HALF_AN_ANSWER,
        /** It hangs up in the middle. */
        HANGS_UP,
        /** It answers something that is no answer. */
        NONSENSE,
        /** It answers a key of 31 bytes. */
        SHORT_KEY
    }

    /** How an operator names its KEK, with all options that are needed: what follows {@code --key-source}. */
    String place() throws Exception;

    /** A source of its KEK; a new one each time, which does not ask again for long. */
    KeySource source(KeySourceContext context) throws Exception;

    /** Likewise, one that waits for an answer for a second only: for places that never give one. */
    default KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context);
    }

    /** Whether that second is enough for an answer that does come. */
    default boolean hastySourceHasTime() {
        return true;
    }

    /** Likewise, one that waits for as long as a busy machine needs. */
    default KeySource patientSource(KeySourceContext context) throws Exception {
        return source(context);
    }

    /** A source of the same kind and place, of another KEK. */
    KeySource otherSource(KeySourceContext context) throws Exception;

    /** Whether it can be made to fail that way. */
    boolean can(Trouble trouble);

    /** Has it fail from now on. */
    void have(Trouble trouble) throws Exception;

    /** Whether an interrupt ends a question to it. */
    default boolean canBeInterrupted() {
        return true;
    }

    /** Whether its KEK has versions. */
    boolean hasVersions();

    /** Gives the KEK a newer version; the older still unwrap. */
    void rotate() throws Exception;

    @Override
    void close() throws Exception;
}

package io.blockseal.config;

/** Which cipher engine to run. */
public enum EngineChoice {
    /** The native one where it is present and passes its self-test, else the Java one; start-up says which. */
    AUTO,
    /** The native one or no start. */
    NATIVE,
    /** The Java one. */
    JAVA
}

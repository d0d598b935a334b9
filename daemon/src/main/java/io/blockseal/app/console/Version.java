package io.blockseal.app.console;

/** Which build this is. */
public final class Version {
    private Version() {}

    /** As the jar's manifest says; {@code unpackaged} when run from class files. */
    public static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }
}

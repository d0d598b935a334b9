package io.blockseal.keysource.azure;

/** Words of a service, as they may stand in a message and in a log. */
final class ServiceWords {
    private static final int LENGTH_MAX = 300;

    private ServiceWords() {}

    /** Without what would steer a terminal, without anything that could be a key or a token, and not without end. */
    static String printable(String words) {
        String quiet = words.replaceAll("\\p{Cntrl}+", " ")
                .replaceAll("[A-Za-z0-9_+/=-]{40,}", "...")
                .strip();
        return quiet.length() <= LENGTH_MAX ? quiet : quiet.substring(0, LENGTH_MAX) + "...";
    }
}

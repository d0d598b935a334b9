package io.blockseal.transfer;

import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one end of a transfer looks like from outside, so that a transfer that was interrupted goes on only between the
 * same two: for a file its inode, size and time of change, for an export its address and size.
 */
public final class Fingerprint {
    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_BLOCK = 0060000;

    private final Map<String, String> facts;

    private Fingerprint(Map<String, String> facts) {
        this.facts = facts;
    }

    /** Of nothing yet; facts are added by {@link #with}. */
    public static Fingerprint empty() {
        return new Fingerprint(Map.of());
    }

    /**
     * A file or block device with the given size. Which file, and (of a file that is only read) when it was last changed;
     * the time of a device's node says nothing about what is on the device.
     */
    public static Fingerprint ofFile(Path path, long sizeBytes, boolean read) throws IOException {
        boolean device = ((int) Files.getAttribute(path, "unix:mode") & TYPE_MASK) == TYPE_BLOCK;
        Fingerprint print = empty();
        if (device) {
            print = print.with("device", String.valueOf(Files.getAttribute(path, "unix:rdev")));
        } else {
            print = print.with("filesystem", String.valueOf(Files.getAttribute(path, "unix:dev")))
                    .with("inode", String.valueOf(Files.getAttribute(path, "unix:ino")));
        }
        print = print.with("size", String.valueOf(sizeBytes));
        return read && !device
                ? print.with(
                        "modified", Files.getLastModifiedTime(path).toInstant().toString())
                : print;
    }

    /** One more fact; {@code name} is a word that messages show. */
    public Fingerprint with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(facts);
        more.put(name, value);
        return new Fingerprint(more);
    }

    /** What is different from {@code earlier}, in words; empty if nothing is. */
    String changeSince(Fingerprint earlier) {
        StringBuilder words = new StringBuilder();
        Map<String, String> names = new LinkedHashMap<>(earlier.facts);
        names.putAll(facts);
        for (String name : names.keySet()) {
            String then = earlier.facts.getOrDefault(name, "none");
            String now = facts.getOrDefault(name, "none");
            if (!then.equals(now)) {
                words.append(words.length() == 0 ? "" : ", ")
                        .append(name)
                        .append(" was ")
                        .append(then)
                        .append(" and is ")
                        .append(now);
            }
        }
        return words.toString();
    }

    /** As one line of ASCII. */
    String text() {
        StringBuilder text = new StringBuilder();
        facts.forEach((name, value) -> text.append(text.length() == 0 ? "" : "&")
                .append(name)
                .append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
        return text.toString();
    }

    /** From {@link #text}. */
    static Fingerprint parse(String text) {
        Map<String, String> facts = new LinkedHashMap<>();
        for (String fact : text.split("&")) {
            int equals = fact.indexOf('=');
            if (equals > 0) {
                facts.put(
                        fact.substring(0, equals),
                        URLDecoder.decode(fact.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return new Fingerprint(facts);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Fingerprint print && print.facts.equals(facts);
    }

    @Override
    public int hashCode() {
        return facts.hashCode();
    }

    @Override
    public String toString() {
        return text();
    }
}

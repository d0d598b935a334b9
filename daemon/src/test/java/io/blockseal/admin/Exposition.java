package io.blockseal.admin;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A strict reader of Prometheus' text format 0.0.4, after its specification: complains where Prometheus, or promtool,
 * would. Families keep their samples as {@code name{labels} -> value}.
 */
public final class Exposition {
    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})? (\\S+)(?: (-?\\d+))?");
    private static final Pattern LABEL =
            Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\\\n]|\\\\[\\\\\"n])*)\",?");

    /** Type by family name. */
    public final Map<String, String> types = new TreeMap<>();
    /** Every sample with its labels as written. */
    public final Map<String, Double> samples = new LinkedHashMap<>();

    private final Set<String> helped = new HashSet<>();
    private final Map<String, Double> lastBucket = new HashMap<>();
    private String current = "";

    /** Reads the page, or throws an AssertionError that quotes the line. */
    public static Exposition parse(String text) {
        Exposition page = new Exposition();
        check(text.endsWith("\n"), "the last line has no end");
        for (String line : text.split("\n")) {
            page.line(line);
        }
        page.histogramsAreWhole();
        return page;
    }

    private void line(String line) {
        if (line.startsWith("# HELP ")) {
            String name = line.split(" ", 4)[2];
            check(helped.add(name), "a second HELP: " + line);
            check(line.split(" ", 4).length == 4 && !line.split(" ", 4)[3].isBlank(), "no help text: " + line);
        } else if (line.startsWith("# TYPE ")) {
            String[] words = line.split(" ");
            check(words.length == 4, line);
            check(helped.contains(words[2]), "TYPE without HELP: " + line);
            check(types.put(words[2], words[3]) == null, "a second TYPE: " + line);
            check(!words[3].equals("counter") || words[2].endsWith("_total"), "a counter without _total: " + line);
            check(words[3].equals("counter") || !words[2].endsWith("_total"), "_total without counter: " + line);
            current = words[2];
        } else if (!line.startsWith("#")) {
            sample(line);
        }
    }

    private void sample(String line) {
        Matcher matcher = SAMPLE.matcher(line);
        check(matcher.matches(), "not a sample: " + line);
        String name = matcher.group(1);
        String type = types.get(current);
        check(type != null, "a sample before any TYPE: " + line);
        boolean belongs = name.equals(current)
                || (("histogram".equals(type) || "summary".equals(type))
                        && (name.equals(current + "_sum")
                                || name.equals(current + "_count")
                                || name.equals(current + "_bucket")));
        check(belongs, "a sample outside its family " + current + ": " + line);
        Map<String, String> labels = labels(matcher.group(2), line);
        double value =
                matcher.group(3).equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(matcher.group(3));
        String key = name + labels;
        check(samples.put(key, value) == null, "the same series twice: " + line);
        if (name.endsWith("_bucket")) {
            String series = name + without(labels, "le");
            check(value >= lastBucket.getOrDefault(series, 0.0), "buckets are not cumulative: " + line);
            lastBucket.put(series, value);
        }
    }

    private void histogramsAreWhole() {
        for (Map.Entry<String, Double> entry : samples.entrySet()) {
            String key = entry.getKey();
            if (key.contains("_count{") && "histogram".equals(types.get(key.substring(0, key.indexOf("_count{"))))) {
                String infinite = key.replace("_count{", "_bucket{").replace("}", ", le=+Inf}");
                check(entry.getValue().equals(samples.get(infinite)), "+Inf is not the count: " + key);
            }
        }
    }

    private static Map<String, String> labels(String text, String line) {
        Map<String, String> labels = new LinkedHashMap<>();
        if (text == null) {
            return labels;
        }
        Matcher matcher = LABEL.matcher(text);
        int end = 0;
        while (matcher.lookingAt()) {
            check(labels.put(matcher.group(1), matcher.group(2)) == null, "a label twice: " + line);
            end = matcher.end();
            matcher.region(end, text.length());
        }
        check(end == text.length(), "labels are malformed: " + line);
        return labels;
    }

    private static Map<String, String> without(Map<String, String> labels, String label) {
        Map<String, String> rest = new LinkedHashMap<>(labels);
        rest.remove(label);
        return rest;
    }

    /** The one sample of that name whose labels have all the given {@code name=value} pairs. */
    public double value(String name, String... pairs) {
        List<Double> found = new ArrayList<>();
        samples.forEach((key, value) -> {
            boolean all = key.startsWith(name + "{");
            for (String pair : pairs) {
                all &= key.contains("{" + pair + ",")
                        || key.contains("{" + pair + "}")
                        || key.contains(", " + pair + ",")
                        || key.contains(", " + pair + "}");
            }
            if (all) {
                found.add(value);
            }
        });
        check(found.size() == 1, name + " " + List.of(pairs) + " has " + found.size() + " samples");
        return found.get(0);
    }

    private static void check(boolean holds, String complaint) {
        if (!holds) {
            throw new AssertionError(complaint);
        }
    }
}

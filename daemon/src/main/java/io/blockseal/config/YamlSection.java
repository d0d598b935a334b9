package io.blockseal.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * One mapping of the file, asked for its keys one by one; whatever is wrong is noted with its place and a default goes
 * on, so that one run finds all problems. {@link #finish} notes the keys that nobody asked for.
 */
final class YamlSection {
    private final String path;
    private final ProblemList problems;
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final Map<String, Node> keys = new LinkedHashMap<>();
    private final Set<String> asked = new TreeSet<>();
    private final Mark start;

    /** {@code path} is how messages call it, empty for the file itself. */
    YamlSection(String path, Node node, ProblemList problems) {
        this.path = path;
        this.problems = problems;
        this.start = node.getStartMark();
        if (!(node instanceof MappingNode mapping)) {
            problems.add(
                    start, called() + " is " + kindOf(node) + ", not keys with values", "Write 'key: value' lines.");
            return;
        }
        for (NodeTuple tuple : mapping.getValue()) {
            Node key = tuple.getKeyNode();
            if (!(key instanceof ScalarNode scalar)) {
                problems.add(key.getStartMark(), "a key is " + kindOf(key), "Write a plain word.");
            } else if (values.containsKey(scalar.getValue())) {
                problems.add(
                        key.getStartMark(),
                        "key '" + scalar.getValue() + "' is there twice, first in line "
                                + (place(scalar.getValue()).getLine() + 1),
                        "Remove one of them.");
            } else {
                values.put(scalar.getValue(), tuple.getValueNode());
                keys.put(scalar.getValue(), key);
            }
        }
    }

    /** Where it begins. */
    Mark start() {
        return start;
    }

    /** Where the key's value stands, or the section itself if it is not there. */
    Mark place(String key) {
        asked.add(key);
        Node node = keys.get(key);
        return node == null ? start : node.getStartMark();
    }

    /** Whether the key is there; counts as asked for. */
    boolean has(String key) {
        asked.add(key);
        return values.containsKey(key);
    }

    boolean flag(String key, boolean otherwise) {
        return value(key, otherwise, text -> switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("'" + text + "' is neither true nor false");
        });
    }

    /** A whole number within bounds. */
    int number(String key, int otherwise, int min, int max) {
        return value(key, otherwise, text -> bounded(text, min, max));
    }

    private static int bounded(String text, int min, int max) {
        try {
            int number = Integer.parseInt(text);
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Told below, together with the bounds.
        }
        throw new IllegalArgumentException("'" + text + "' is not a whole number from " + min + " to " + max);
    }

    /** A text that YAML does not take for something else. */
    @Nullable
    String text(String key) {
        Node node = values.get(key);
        asked.add(key);
        return node == null ? null : text(key, node);
    }

    /** What {@code parse} makes of the text; its IllegalArgumentException is noted with the place. */
    <T> T value(String key, T otherwise, Function<String, T> parse) {
        T value = optional(key, parse);
        return value == null ? otherwise : value;
    }

    /** The same, or null where the key is not there or wrong. */
    <T> @Nullable T optional(String key, Function<String, T> parse) {
        Node node = values.get(key);
        asked.add(key);
        if (node == null) {
            return null;
        }
        if (!(node instanceof ScalarNode scalar) || scalar.getTag().equals(Tag.NULL)) {
            problems.add(node.getStartMark(), called(key) + " is " + kindOf(node), "Give it one value.");
            return null;
        }
        try {
            return parse.apply(scalar.getValue());
        } catch (IllegalArgumentException wrong) {
            wrong(key, node, wrong);
            return null;
        }
    }

    /** A list of texts, each parsed; one text alone counts as a list of one. */
    <T> List<T> list(String key, Function<String, T> parse) {
        List<T> parsed = new ArrayList<>();
        for (Node item : items(key)) {
            addText(key, item, parse, parsed);
        }
        return parsed;
    }

    /** Likewise, where instead of a text there may be a group whose only key {@code word} has a list of texts. */
    <T> List<T> listOrGroups(String key, Function<String, T> parse, String word, Function<List<String>, T> parseGroup) {
        List<T> parsed = new ArrayList<>();
        for (Node item : items(key)) {
            YamlSection group = item instanceof MappingNode ? new YamlSection(key, item, problems) : null;
            if (group == null || !group.has(word)) {
                addText(key, item, parse, parsed);
                continue;
            }
            List<String> texts = group.list(word, Function.identity());
            group.finish();
            // Of a list in which something is no text that is all there is to say.
            if (texts.size() == group.items(word).size()) {
                add(key, item, () -> parseGroup.apply(texts), parsed);
            }
        }
        return parsed;
    }

    private <T> void addText(String key, Node item, Function<String, T> parse, List<T> parsed) {
        String text = text(key, item);
        if (text != null) {
            add(key, item, () -> parse.apply(text), parsed);
        }
    }

    private <T> void add(String key, Node item, Supplier<T> value, List<T> parsed) {
        try {
            parsed.add(value.get());
        } catch (IllegalArgumentException wrong) {
            wrong(key, item, wrong);
        }
    }

    /** The mappings of a list. */
    List<YamlSection> sections(String key) {
        List<YamlSection> sections = new ArrayList<>();
        int index = 0;
        for (Node item : items(key)) {
            sections.add(new YamlSection(called(key) + "[" + index++ + "]", item, problems));
        }
        return sections;
    }

    /** The mapping of that key, or null where it is not there. */
    @Nullable
    YamlSection section(String key) {
        Node node = values.get(key);
        asked.add(key);
        return node == null ? null : new YamlSection(key, node, problems);
    }

    /** Where item {@code index} of a list stands. */
    Mark place(String key, int index) {
        List<Node> items = items(key);
        return index < items.size() ? items.get(index).getStartMark() : place(key);
    }

    /** Notes the keys that were never asked for; call it last. */
    void finish() {
        for (Map.Entry<String, Node> entry : keys.entrySet()) {
            if (!asked.contains(entry.getKey())) {
                String near = NearestWord.to(entry.getKey(), asked);
                problems.add(
                        entry.getValue().getStartMark(),
                        "unknown key '" + entry.getKey() + "'" + (path.isEmpty() ? "" : " in " + path),
                        (near == null ? "Known here: " : "Did you mean '" + near + "'? Known here: ")
                                + String.join(", ", asked) + ".");
            }
        }
    }

    private List<Node> items(String key) {
        Node node = values.get(key);
        asked.add(key);
        if (node == null) {
            return List.of();
        }
        return node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
    }

    private @Nullable String text(String key, Node node) {
        if (!(node instanceof ScalarNode scalar)) {
            problems.add(node.getStartMark(), called(key) + " is " + kindOf(node), "Give it one text.");
            return null;
        }
        boolean plain = scalar.isPlain();
        if (plain && (scalar.getTag().equals(Tag.BOOL) || scalar.getTag().equals(Tag.NULL))) {
            problems.add(
                    node.getStartMark(),
                    called(key) + " is " + (scalar.getValue().isEmpty() ? "empty" : "'" + scalar.getValue() + "'")
                            + ", which YAML reads as " + kindOf(node),
                    "Put it into quotes if it is meant as text.");
            return null;
        }
        return scalar.getValue();
    }

    private void wrong(String key, Node node, IllegalArgumentException reason) {
        problems.add(
                node.getStartMark(), called(key) + ": " + reason.getMessage(), "Correct the value of '" + key + "'.");
    }

    private String called() {
        return path.isEmpty() ? "the file" : path;
    }

    private String called(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private static String kindOf(Node node) {
        if (node instanceof SequenceNode) {
            return "a list";
        }
        if (node instanceof MappingNode) {
            return "a group of keys";
        }
        if (node.getTag().equals(Tag.NULL)) {
            return "nothing";
        }
        return node.getTag().equals(Tag.BOOL) ? "true or false" : "one value";
    }
}

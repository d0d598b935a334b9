package io.blockseal.admin;

import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** Metric families in the making, whose series each tell something of one {@code T}, told apart by the same labels. */
final class Families<T> {
    private final Collection<T> things;
    private final List<String> labels;
    private final Function<T, List<String>> labelValues;
    private final List<MetricFamilySamples> made = new ArrayList<>();

    Families(Collection<T> things, List<String> labels, Function<T, List<String>> labelValues) {
        this.things = things;
        this.labels = labels;
        this.labelValues = labelValues;
    }

    /** A gauge of all things. */
    Families<T> gauge(String name, String help, ToDoubleFunction<T> value) {
        return gauge(name, help, thing -> true, value);
    }

    /** A gauge of those things of which it is known; the others have no series. */
    Families<T> gauge(String name, String help, Predicate<T> known, ToDoubleFunction<T> value) {
        return add(Collector.Type.GAUGE, name, help, known, value);
    }

    /** A counter of all things. */
    Families<T> counter(String name, String help, ToDoubleFunction<T> value) {
        return add(Collector.Type.COUNTER, name, help, thing -> true, value);
    }

    private Families<T> add(
            Collector.Type type, String name, String help, Predicate<T> known, ToDoubleFunction<T> value) {
        List<Sample> samples = things.stream()
                .filter(known)
                .map(thing -> new Sample(name, labels, labelValues.apply(thing), value.applyAsDouble(thing)))
                .toList();
        made.add(new MetricFamilySamples(name, type, help, samples));
        return this;
    }

    /** All that were made, in their order. */
    List<MetricFamilySamples> list() {
        return made;
    }
}

package io.blockseal.it;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.DoublePredicate;

/** The daemon's {@code /metrics}, as a scraper reads it. */
final class Metrics {
    private final Callable<String> page;

    Metrics(int port) {
        this(scrape(URI.create("http://127.0.0.1:" + port + "/metrics")));
    }

    /** Read by other means, because the daemon is not at this host. */
    Metrics(Callable<String> page) {
        this.page = page;
    }

    private static Callable<String> scrape(URI address) {
        HttpClient http = HttpClient.newHttpClient();
        HttpRequest request =
                HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(30)).build();
        return () -> http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** The value of the series that has these labels, such as {@code export="demo"}; 0 if it is not there. */
    double value(String name, String... labels) throws Exception {
        return page.call()
                .lines()
                .filter(line -> line.split("[{ ]", 2)[0].equals(name))
                .filter(line -> Arrays.stream(labels).allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElse(0);
    }

    /** Waits until the series has this value or less. */
    void awaitAtMost(double most, String name, String... labels) throws Exception {
        await(value -> value <= most, "at most " + most, name, labels);
    }

    /** Waits until the series has this value or more. */
    void awaitAtLeast(double least, String name, String... labels) throws Exception {
        await(value -> value >= least, "at least " + least, name, labels);
    }

    private void await(DoublePredicate wanted, String words, String name, String... labels) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        double value = value(name, labels);
        while (!wanted.test(value)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(name + " stays " + value + ", not " + words);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            value = value(name, labels);
        }
    }
}

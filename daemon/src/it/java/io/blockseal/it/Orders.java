package io.blockseal.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Commands to a daemon through its control socket, as an operator gives them. */
final class Orders {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path socket;

    Orders(Path folder) {
        socket = folder.resolve("orders.sock");
    }

    /** What {@code serve} needs to listen here. */
    String[] serveOptions(String... more) {
        List<String> words = new ArrayList<>(List.of("--control", socket.toString()));
        words.addAll(List.of(more));
        return words.toArray(new String[0]);
    }

    /** One command, which has to succeed. */
    Tool.Result run(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--control", socket));
        return Blockseal.run(all.toArray()).ok();
    }

    /** Begins to give new DEKs to all ranges and leaves it to the daemon; the job's number. */
    long beginRotation(Path volume, String... more) {
        List<Object> words = new ArrayList<>(List.of("rotate-dek", volume, "--all", "--detach"));
        words.addAll(List.of(more));
        return Long.parseLong(run(words.toArray()).out().trim());
    }

    /** The job, or null if the daemon does not know it: of those that ended, it forgets all when it ends itself. */
    @Nullable
    JsonNode find(long id) throws IOException {
        for (JsonNode job : JSON.readTree(run("job", "list", "--json").out()).path("jobs")) {
            if (job.path("id").asLong() == id) {
                return job;
            }
        }
        return null;
    }

    private JsonNode job(long id) throws IOException {
        return JSON.readTree(run("job", "show", id, "--json").out());
    }

    /** Waits until the job is done. */
    void awaitDone(long id, int limitSeconds) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
        JsonNode job = job(id);
        while (!job.path("ended").asBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not done within " + limitSeconds + " s: " + job);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            job = job(id);
        }
        if (!job.path("state").asText().equals("done")) {
            throw new AssertionError("not done: " + job);
        }
    }
}

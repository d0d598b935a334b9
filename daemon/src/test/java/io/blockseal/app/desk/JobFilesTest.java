package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.job.JobMemo;
import io.blockseal.job.JobRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobFilesTest {
    private static final String UUID = "0b9d8a52-7a39-4a11-9c39-2f0d0c9b8f11";

    @TempDir
    private Path directory;

    @Test
    void remembersWhoWantedAJobUntilItIsForgotten() throws Exception {
        JobFiles files = new JobFiles(directory, export -> UUID);
        JobMemo byPolicy = new JobMemo(7, "rotate-dek", "db", false, "{\"x\":1}", "policy max-key-age");
        JobMemo byHand = new JobMemo(11, "rotate-dek", "db", true, "{}", JobRequest.OPERATOR);
        files.keep(byHand);
        files.keep(byPolicy);
        assertEquals(List.of(byPolicy, byHand), files.of(UUID, "db"));
        files.forget(byPolicy);
        assertEquals(List.of(byHand), files.of(UUID, "db"));
    }

    @Test
    void takesAJobWithoutThatForAnOperators() throws Exception {
        Path jobs = Files.createDirectories(directory.resolve("jobs"));
        Files.writeString(
                jobs.resolve(UUID + "-3.job"), "{\"id\":3,\"verb\":\"rotate-dek\",\"memo\":\"{}\",\"paused\":\"no\"}");
        assertEquals(
                List.of(new JobMemo(3, "rotate-dek", "db", false, "{}", JobRequest.OPERATOR)),
                new JobFiles(directory, export -> UUID).of(UUID, "db"));
    }
}

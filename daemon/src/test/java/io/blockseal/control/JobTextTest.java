package io.blockseal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.job.Job;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRequest;
import io.blockseal.job.JobState;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobTextTest {
    private static JobOutcome text(String by) {
        Instant then = Instant.ofEpochSecond(1_800_000_000);
        return JobText.one(
                new Job(7, "rotate-dek", "db", by, JobState.RUNNING, "rotating", 1, 4, then, then, null, 9, null, 3));
    }

    @Test
    void saysWhatInTheDaemonWantsAJob() throws Exception {
        JobOutcome byPolicy = text("policy max-key-age");
        assertEquals(
                "job 7: rotate-dek of db, running, rotating, 25%, 9 s left, by policy max-key-age, since"
                        + " 2027-01-15T08:00:00Z\n",
                byPolicy.text());
        assertEquals(
                "policy max-key-age",
                new ObjectMapper().readTree(byPolicy.json()).get("by").asText());
    }

    @Test
    void doesNotBotherPeopleWithWhatTheyHaveAskedFor() {
        JobOutcome asked = text(JobRequest.OPERATOR);
        assertFalse(asked.text().contains("operator"), asked.text());
        assertTrue(asked.json().contains("\"by\" : \"operator\""), asked.json());
    }

    @Test
    void setsTheResultOfAJobWhereItStands() {
        Instant then = Instant.ofEpochSecond(1_800_000_000);
        JobOutcome well = new JobOutcome(0, "well\n", "{\n  \"a\" : 1\n}\n");
        Job done = new Job(7, "check", "db", "operator", JobState.DONE, "", 1, 1, then, then, then, -1, well, 3);
        assertTrue(JobText.one(done).json().endsWith("\"result\" : {\n    \"a\" : 1\n  }\n}\n"));
        assertTrue(JobText.list(List.of(done)).json().endsWith("\"result\" : {\n      \"a\" : 1\n    }\n  } ]\n}\n"));
    }
}

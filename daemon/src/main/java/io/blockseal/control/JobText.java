package io.blockseal.control;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.blockseal.job.Job;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRequest;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** Jobs for people and for programs: the same on the socket and on the command line. */
public final class JobText {
    private interface Document {
        void write(JsonGenerator json) throws IOException;
    }

    private JobText() {}

    /** One job. */
    public static JobOutcome one(Job job) {
        return JobOutcome.done(text(job), document(json -> fields(json, job, "\n  ")));
    }

    static JobOutcome list(List<Job> jobs) {
        StringBuilder text = new StringBuilder();
        jobs.forEach(job -> text.append(text(job)));
        return JobOutcome.done(text.isEmpty() ? "no jobs\n" : text.toString(), document(json -> {
            json.writeArrayFieldStart("jobs");
            for (Job job : jobs) {
                json.writeStartObject();
                fields(json, job, "\n    ");
                json.writeEndObject();
            }
            json.writeEndArray();
        }));
    }

    private static String text(Job job) {
        StringBuilder line = new StringBuilder("job " + job.id() + ": " + job.verb() + " of " + job.volume() + ", "
                + job.state().word());
        if (!job.state().ended() && !job.phase().isEmpty()) {
            line.append(", ").append(job.phase());
        }
        if (job.total() > 0 && !job.state().ended()) {
            line.append(", ").append(job.done() * 100 / job.total()).append('%');
        }
        if (job.secondsLeft() >= 0) {
            line.append(", ").append(job.secondsLeft()).append(" s left");
        }
        if (!job.by().equals(JobRequest.OPERATOR)) {
            line.append(", by ").append(job.by());
        }
        line.append(", since ").append(job.created().truncatedTo(ChronoUnit.SECONDS));
        JobOutcome outcome = job.outcome();
        if (outcome != null) {
            line.append('\n').append("  ").append(outcome.text().strip().replace("\n", "\n  "));
        }
        return line.append('\n').toString();
    }

    /** {@code newLine} is how lines of the document begin where the job stands in it. */
    private static void fields(JsonGenerator json, Job job, String newLine) throws IOException {
        json.writeNumberField("id", job.id());
        json.writeStringField("verb", job.verb());
        json.writeStringField("volume", job.volume());
        json.writeStringField("by", job.by());
        json.writeStringField("state", job.state().word());
        json.writeBooleanField("ended", job.state().ended());
        json.writeStringField("phase", job.phase());
        json.writeNumberField("done", job.done());
        json.writeNumberField("total", job.total());
        json.writeStringField("created", job.created().toString());
        if (job.started() != null) {
            json.writeStringField("started", job.started().toString());
        }
        if (job.ended() != null) {
            json.writeStringField("endedAt", job.ended().toString());
        }
        if (job.secondsLeft() >= 0) {
            json.writeNumberField("secondsLeft", job.secondsLeft());
        }
        json.writeNumberField("revision", job.revision());
        JobOutcome outcome = job.outcome();
        if (outcome != null) {
            json.writeNumberField("exitCode", outcome.exitCode());
            json.writeStringField("text", outcome.text());
            json.writeFieldName("result");
            json.writeRawValue(outcome.json().strip().replace("\n", newLine));
        }
    }

    private static String document(Document document) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = ArgumentReader.JSON.createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            document.write(json);
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text + "\n";
    }
}

package io.blockseal.control;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.job.JobOutcome;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/** What is refused before anybody else hears of it. */
final class Refusals {
    /** How a command ends whose arguments make no sense. */
    private static final int USAGE = 2;

    private Refusals() {}

    static ControlAnswer of(int status, String words) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = ArgumentReader.JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("error", words);
            json.writeNumberField("exitCode", USAGE);
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return new ControlAnswer(status, new JobOutcome(USAGE, words + "\n", text + "\n"));
    }
}

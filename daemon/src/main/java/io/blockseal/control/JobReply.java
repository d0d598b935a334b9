package io.blockseal.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * What a command needs of a job that a daemon tells about.
 *
 * @param id its number
 * @param verb what it does
 * @param volume to which export
 * @param state the word for where in its life it is
 * @param ended whether nothing changes about it any more
 * @param phase what it is doing
 * @param done how much is behind it
 * @param total of how much, or 0
 * @param revision what has changed since an earlier one is in a larger one
 */
public record JobReply(
        long id,
        String verb,
        String volume,
        String state,
        boolean ended,
        String phase,
        long done,
        long total,
        long revision) {
    private static final JsonFactory JSON = new JsonFactory();

    /** From the JSON of {@code GET /v1/jobs/ID}. */
    public static JobReply parse(String text) throws IOException {
        long id = 0;
        String verb = "";
        String volume = "";
        String state = "";
        boolean ended = false;
        String phase = "";
        long done = 0;
        long total = 0;
        long revision = 0;
        try (JsonParser json = JSON.createParser(text)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "id" -> id = json.getValueAsLong();
                    case "verb" -> verb = json.getValueAsString("");
                    case "volume" -> volume = json.getValueAsString("");
                    case "state" -> state = json.getValueAsString("");
                    case "ended" -> ended = json.getValueAsBoolean();
                    case "phase" -> phase = json.getValueAsString("");
                    case "done" -> done = json.getValueAsLong();
                    case "total" -> total = json.getValueAsLong();
                    case "revision" -> revision = json.getValueAsLong();
                    default -> json.skipChildren();
                }
            }
        }
        return new JobReply(id, verb, volume, state, ended, phase, done, total, revision);
    }

    /** Whether it is a refusal, and not what somebody was asked for. */
    static boolean isError(String text) {
        try (JsonParser json = JSON.createParser(text)) {
            return json.nextToken() == JsonToken.START_OBJECT
                    && json.nextToken() == JsonToken.FIELD_NAME
                    && json.currentName().equals("error");
        } catch (IOException notJson) {
            return false;
        }
    }

    /** The field {@code error} of a refusal, or all of it. */
    public static String error(String text) {
        try (JsonParser json = JSON.createParser(text)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                if (name.equals("error")) {
                    return json.getValueAsString("");
                }
                json.skipChildren();
            }
            return text;
        } catch (IOException notJson) {
            return text;
        }
    }
}

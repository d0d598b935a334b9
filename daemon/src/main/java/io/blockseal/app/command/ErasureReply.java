package io.blockseal.app.command;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.blockseal.app.console.JsonText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What a daemon says about a volume that it is to erase, or has erased.
 *
 * @param uuid whose
 * @param label its label
 * @param text for people
 * @param complaints what did not go as it should, each a line
 * @param record for the auditor, as JSON; empty if nothing was begun
 */
record ErasureReply(String uuid, String label, String text, List<String> complaints, String record) {
    private static final JsonFactory JSON = new JsonFactory();

    /** From the JSON of {@code erase-plan} and {@code erase}, also of one that failed. */
    static ErasureReply parse(String body) throws IOException {
        String uuid = "";
        String label = "";
        String text = "";
        List<String> complaints = new ArrayList<>();
        String record = "";
        try (JsonParser json = JSON.createParser(body)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "uuid" -> uuid = json.getValueAsString("");
                    case "label" -> label = json.getValueAsString("");
                    case "text" -> text = json.getValueAsString("");
                    case "complaints" -> {
                        while (json.nextToken() == JsonToken.VALUE_STRING) {
                            complaints.add(json.getText());
                        }
                    }
                    case "record" -> record = copyOf(json);
                    default -> json.skipChildren();
                }
            }
        }
        return new ErasureReply(uuid, label, text, complaints, record);
    }

    /** The object that begins there, laid out as all that we print. */
    private static String copyOf(JsonParser json) {
        return JsonText.of(document -> {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                document.copyCurrentStructure(json);
            }
        });
    }
}

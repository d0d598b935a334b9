package io.blockseal.app.verb;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.volume.KeySlotInfo;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/** Key slots for people and for programs: the same in {@code info} and {@code key list}. */
public final class KeySlotText {
    private KeySlotText() {}

    /** One line. */
    public static String of(KeySlotInfo slot) {
        if (!slot.refusal().isEmpty()) {
            return "slot " + slot.index() + ": refused: " + slot.refusal();
        }
        String name = slot.label().isEmpty() || slot.label().equals(slot.kind()) ? "" : " \"" + slot.label() + "\"";
        String where = slot.reference().isEmpty() ? "" : " " + slot.reference();
        String version = slot.version().isEmpty() ? "" : " version " + slot.version();
        return "slot " + slot.index() + ": " + slot.kind() + name + where + version + ", " + slot.state() + ", since "
                + Instant.ofEpochSecond(slot.createdSeconds()) + priority(slot.priority());
    }

    private static String priority(int priority) {
        return switch (KeySlotPriority.ofCode(priority)) {
            case ON_REQUEST -> ", only on request";
            case FIRST -> ", first";
            case NORMAL -> "";
        };
    }

    /** The field {@code keySlots}. */
    public static void write(JsonGenerator json, List<KeySlotInfo> slots) throws IOException {
        write(json, "keySlots", slots);
    }

    /** Likewise, by another name. */
    public static void write(JsonGenerator json, String name, List<KeySlotInfo> slots) throws IOException {
        json.writeArrayFieldStart(name);
        for (KeySlotInfo slot : slots) {
            json.writeStartObject();
            json.writeNumberField("slot", slot.index());
            json.writeStringField("kind", slot.kind());
            json.writeStringField("state", slot.state());
            json.writeStringField(
                    "priority", KeySlotPriority.ofCode(slot.priority()).word());
            json.writeStringField("label", slot.label());
            json.writeStringField("reference", slot.reference());
            json.writeStringField("version", slot.version());
            json.writeStringField(
                    "created", Instant.ofEpochSecond(slot.createdSeconds()).toString());
            json.writeStringField("refusal", slot.refusal());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}

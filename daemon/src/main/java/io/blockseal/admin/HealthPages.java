package io.blockseal.admin;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * {@code /healthz}: the process answers. {@code /readyz}: every volume that was not erased is open and clients are let in; 503 until then
 * and from the moment on in which the daemon begins to drain.
 */
public final class HealthPages {
    private static final JsonFactory JSON = new JsonFactory();

    private final BooleanSupplier serving;
    private final Supplier<Collection<ExportHealth>> exports;

    /** {@code serving} says whether clients are let in; {@code exports} lists all that the configuration names. */
    public HealthPages(BooleanSupplier serving, Supplier<Collection<ExportHealth>> exports) {
        this.serving = serving;
        this.exports = exports;
    }

    /** The page {@code /healthz}. */
    public AdminPage.Answer alive() {
        return AdminPage.Answer.json(200, "{\"status\":\"ok\"}\n");
    }

    /** The page {@code /readyz}. */
    public AdminPage.Answer ready() {
        Collection<ExportHealth> all = exports.get();
        boolean ready = serving.getAsBoolean()
                && all.stream()
                        .filter(export -> !export.state().equals(ExportHealth.ERASED))
                        .allMatch(ExportHealth::ready);
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeBooleanField("ready", ready);
            json.writeArrayFieldStart("exports");
            for (ExportHealth export : all) {
                json.writeStartObject();
                json.writeStringField("name", export.export());
                json.writeStringField("state", export.state());
                json.writeBooleanField("ready", export.ready());
                if (export.storeTroubled()) {
                    // Still ready: who has its data in memory is served, and an orchestrator that restarted the daemon
                    // would help nobody.
                    json.writeStringField("degraded", "storage");
                } else if (export.mirror() == ExportHealth.Mirror.DOWN) {
                    json.writeStringField("degraded", "metadata mirror");
                }
                if (!export.key().isWell()) {
                    json.writeStringField("key", export.key().standing());
                    json.writeStringField("why", export.key().why());
                }
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return AdminPage.Answer.json(ready ? 200 : 503, text + "\n");
    }
}

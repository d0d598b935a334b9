package io.blockseal.app.desk;

import io.blockseal.app.console.JsonText;
import io.blockseal.app.served.OrderGate;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The volumes of the daemon as orders see them: which one is meant, and how each is. From any thread. */
final class VolumeList {
    private final List<ServedVolume> volumes;

    /** Of volumes that may come and go meanwhile. */
    VolumeList(List<ServedVolume> volumes) {
        this.volumes = volumes;
    }

    /** By the name of its export, its UUID, or the path of its file; null if there is none. */
    @Nullable
    ServedVolume find(String name) {
        for (ServedVolume each : volumes) {
            Volume open = each.opened();
            // Of one that is erased nothing is left but the name.
            boolean there = each.gate().state() != OrderGate.State.ERASED;
            if (each.name().equals(name)
                    || (there && open != null && open.uuid().toString().equals(name))
                    || (there && isSameFile(each.config().path(), name))) {
                return each;
            }
        }
        return null;
    }

    /** How each is, as {@code blockseal status} shows it. */
    JobOutcome status() {
        Instant now = Instant.now();
        StringBuilder text = new StringBuilder();
        for (ServedVolume each : volumes) {
            Volume open = each.opened();
            text.append(each.name())
                    .append(": ")
                    .append(each.config().path().toAbsolutePath().normalize())
                    .append(", ")
                    .append(each.health().state());
            if (open != null) {
                text.append(", ")
                        .append(ByteSize.human(open.shape().sizeBytes()))
                        .append(", ")
                        .append(open.uuid());
            }
            text.append('\n')
                    .append(KeyStatusText.of(
                            each.health().key(), each.config().keyCheck().onRevocation(), now));
        }
        return JobOutcome.done(text.toString(), JsonText.of(json -> {
            json.writeArrayFieldStart("volumes");
            for (ServedVolume each : volumes) {
                Volume open = each.opened();
                json.writeStartObject();
                json.writeStringField("name", each.name());
                json.writeStringField(
                        "path",
                        each.config().path().toAbsolutePath().normalize().toString());
                json.writeStringField("state", each.health().state());
                json.writeNumberField("sizeBytes", each.health().sizeBytes());
                json.writeBooleanField("readOnly", each.config().readOnly());
                if (open != null) {
                    json.writeStringField("uuid", open.uuid().toString());
                }
                KeyStatusText.write(
                        json, each.health().key(), each.config().keyCheck().onRevocation(), now);
                json.writeEndObject();
            }
            json.writeEndArray();
        }));
    }

    /** Whether it is the key source of one of the volumes, which the daemon asks anyway. */
    boolean isConfigured(String uri) {
        return volumes.stream()
                .flatMap(volume -> volume.config().keys().stream())
                .anyMatch(key -> key.isOutside() && key.place().equals(uri));
    }

    /** A path from a command is absolute: it may stand in another directory. */
    private static boolean isSameFile(Path path, String name) {
        try {
            return name.startsWith("/") && Files.isSameFile(path, Path.of(name));
        } catch (IOException | InvalidPathException notThere) {
            return false;
        }
    }
}

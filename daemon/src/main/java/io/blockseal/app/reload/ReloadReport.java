package io.blockseal.app.reload;

import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.metrics.ReloadResult;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What became of each thing in a configuration that was loaded again: for the log, for people and for programs. */
final class ReloadReport {
    /** What became of one volume, or of one setting. */
    private enum Fate {
        UNCHANGED("unchanged"),
        OPENED("opened"),
        REOPENED("opened anew"),
        ACCESS_CHANGED("access changed"),
        AWAITS_KEY("waits for its key"),
        REMOVED("not served any more"),
        CHANGED("changed"),
        NEEDS_RESTART("changes when the daemon is started anew"),
        FAILED("failed");

        private final String words;

        Fate(String words) {
            this.words = words;
        }

        String word() {
            return words.replace(' ', '-');
        }
    }

    private record Entry(
            String kind, String name, Fate fate, @Nullable String why) {}

    private static final Logger LOG = LoggerFactory.getLogger(ReloadReport.class);

    private final List<Entry> entries = new ArrayList<>();
    private @Nullable String refusal;
    private @Nullable String endedEarly;
    private ExitCode exit = ExitCode.OK;

    void unchanged(String volume) {
        add("volume", volume, Fate.UNCHANGED, null);
    }

    /** It was opened, or is going to be as soon as its key can be had; {@code again}: it was served before. */
    void came(String volume, boolean open, boolean again) {
        add("volume", volume, !open ? Fate.AWAITS_KEY : again ? Fate.REOPENED : Fate.OPENED, null);
    }

    /** Nothing but who may open it. */
    void accessChanged(String volume) {
        add("volume", volume, Fate.ACCESS_CHANGED, null);
    }

    void removed(String volume) {
        add("volume", volume, Fate.REMOVED, null);
    }

    void failed(String volume, String why, ExitCode how) {
        add("volume", volume, Fate.FAILED, why);
        exit = exit == ExitCode.OK || exit == ExitCode.FAILURE ? how : exit;
    }

    void changed(String setting) {
        add("setting", setting, Fate.CHANGED, null);
    }

    void needsRestart(String setting) {
        add("setting", setting, Fate.NEEDS_RESTART, null);
        if (exit == ExitCode.OK) {
            exit = ExitCode.FAILURE;
        }
    }

    /** Nothing was done. */
    void refuse(String why, ExitCode how) {
        refusal = why;
        exit = how;
    }

    /** The daemon stops, and the rest was not done. */
    void stopped() {
        endedEarly = "the daemon stops; what is not told of here was not done";
        exit = ExitCode.FAILURE;
    }

    /** Something of ours broke; the log has it. */
    void broken() {
        endedEarly = "a defect ended it; the log has it. What is not told of here was not done";
        exit = ExitCode.FAILURE;
    }

    private void add(String kind, String name, Fate fate, @Nullable String why) {
        entries.add(new Entry(kind, name, fate, why));
    }

    ReloadResult result() {
        return refusal != null ? ReloadResult.REFUSED : exit == ExitCode.OK ? ReloadResult.DONE : ReloadResult.PARTLY;
    }

    /** A line for each thing that is not as it was. */
    void log() {
        if (refusal != null) {
            LOG.error("the configuration is not loaded, and all goes on as before: {}", refusal);
        }
        if (endedEarly != null) {
            LOG.warn("the configuration is loaded in part: {}", endedEarly);
        }
        for (Entry each : entries) {
            switch (each.fate) {
                case UNCHANGED -> LOG.debug("{}={}: {}", each.kind, each.name, each.fate.words);
                case FAILED -> LOG.error("{}={}: {}: {}", each.kind, each.name, each.fate.words, each.why);
                case NEEDS_RESTART -> LOG.warn("{}={}: {}", each.kind, each.name, each.fate.words);
                default -> LOG.info("{}={}: {}", each.kind, each.name, each.fate.words);
            }
        }
    }

    JobOutcome outcome() {
        return new JobOutcome(exit.number(), text(), json());
    }

    private String text() {
        if (refusal != null) {
            return refusal + "\n  Nothing was changed.\n";
        }
        StringBuilder text = new StringBuilder();
        for (Entry each : entries) {
            text.append(each.name).append(": ").append(each.fate.words);
            if (each.why != null) {
                text.append(": ").append(each.why);
            }
            text.append('\n');
        }
        if (endedEarly != null) {
            text.append(endedEarly).append(".\n");
        }
        return text.toString();
    }

    private String json() {
        return JsonText.of(json -> {
            if (exit != ExitCode.OK) {
                json.writeStringField("error", text().strip());
                json.writeNumberField("exitCode", exit.number());
            }
            json.writeStringField("result", result().word());
            for (String kind : new String[] {"volume", "setting"}) {
                json.writeArrayFieldStart(kind + "s");
                for (Entry each : entries) {
                    if (each.kind.equals(kind)) {
                        json.writeStartObject();
                        json.writeStringField("name", each.name);
                        json.writeStringField("outcome", each.fate.word());
                        if (each.why != null) {
                            json.writeStringField("reason", each.why);
                        }
                        json.writeEndObject();
                    }
                }
                json.writeEndArray();
            }
        });
    }
}

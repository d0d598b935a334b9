package io.blockseal.app.verb;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.header.RangeInfo;
import io.blockseal.volume.header.RangeReport;
import io.blockseal.volume.table.RangeWord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;

/** A {@link RangeReport} for people and for programs, as of a moment. */
public final class RangeReportText {
    private final RangeReport report;
    private final boolean verified;
    private final Instant now;
    private final Instant since;

    private RangeReportText(RangeReport report, boolean verified, Instant now, Instant since) {
        this.report = report;
        this.verified = verified;
        this.now = now;
        this.since = since;
    }

    /**
     * What there is to say of it.
     *
     * @param verified whether a key vouches for it
     * @param since from when on a key counts as made anew; {@link Instant#EPOCH} if nobody asks
     */
    public static JobOutcome outcome(String called, RangeReport report, boolean verified, Instant now, Instant since) {
        RangeReportText text = new RangeReportText(report, verified, now, since);
        return JobOutcome.done(text.text(), JsonText.of(document -> {
            document.writeStringField("volume", called);
            document.writeStringField("uuid", report.uuid().toString());
            document.writeNumberField("commitSeq", report.commitSeq());
            text.write(document);
        }));
    }

    /** The sum, then a line for each range; a run without keys is one line. */
    private String text() {
        StringBuilder text = new StringBuilder();
        long active = report.count(RangeWord.ACTIVE);
        text.append("ranges: ")
                .append(active)
                .append(" active, ")
                .append(report.count(RangeWord.NONE))
                .append(" none, ")
                .append(report.count(RangeWord.SHREDDED))
                .append(" shredded, ")
                .append(report.count(RangeWord.LOST))
                .append(" lost")
                .append(verified ? " (verified)\n" : " (not verified: name a key)\n");
        if (active > 0) {
            text.append("range keys: oldest ")
                    .append(age(report.oldestSeconds()))
                    .append(", median ")
                    .append(age(report.medianSeconds()))
                    .append(", up to generation ")
                    .append(report.generationMax())
                    .append("\n");
            if (since.getEpochSecond() > 0) {
                long made = report.madeSince(since.getEpochSecond());
                text.append("made since ")
                        .append(since)
                        .append(": ")
                        .append(made)
                        .append(" of ")
                        .append(active)
                        .append(" (")
                        .append(100 * made / active)
                        .append(" %)\n");
            }
        }
        text.append(String.format(
                "%12s  %-8s %12s %11s  %-20s  %-8s  %s%n",
                "range", "state", "slot", "generation", "key made", "age", "enciphered"));
        long[] noneFrom = {-1};
        long[] last = {-1};
        report.forEach(range -> {
            last[0] = range.index();
            if (range.state() == RangeWord.NONE) {
                noneFrom[0] = noneFrom[0] < 0 ? range.index() : noneFrom[0];
                return;
            }
            none(text, noneFrom, range.index() - 1);
            text.append(line(range));
        });
        none(text, noneFrom, last[0]);
        return text.toString();
    }

    private static void none(StringBuilder text, long[] from, long to) {
        if (from[0] >= 0) {
            String runs = from[0] == to ? String.valueOf(to) : from[0] + "-" + to;
            text.append(String.format("%12s  none%n", runs));
            from[0] = -1;
        }
    }

    private String line(RangeInfo range) {
        boolean active = range.state() == RangeWord.ACTIVE;
        return String.format(
                        "%12d  %-8s %12s %11d  %-20s  %-8s  %s%n",
                        range.index(),
                        range.stateWord(),
                        active ? String.valueOf(range.slot()) : "",
                        range.generation(),
                        active ? Instant.ofEpochSecond(range.createdSeconds()).toString() : "",
                        active ? age(range.createdSeconds()) : "",
                        range.encryptedBytes() > 0 ? ByteSize.human(range.encryptedBytes()) : "")
                .replaceAll(" +(\\R)", "$1");
    }

    private long ageSeconds(long madeSeconds) {
        return Math.max(0, now.getEpochSecond() - madeSeconds);
    }

    private String age(long madeSeconds) {
        Duration age = Duration.ofSeconds(ageSeconds(madeSeconds));
        return age.toDays() > 0
                ? age.toDays() + " d"
                : age.toHours() > 0 ? age.toHours() + " h" : age.toMinutes() + " min";
    }

    /** The fields {@code rangeKeys} and {@code ranges}; ranges that never had a key are left out. */
    private void write(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("rangeKeys");
        json.writeBooleanField("authenticated", verified);
        json.writeNumberField("active", report.count(RangeWord.ACTIVE));
        json.writeNumberField("none", report.count(RangeWord.NONE));
        json.writeNumberField("shredded", report.count(RangeWord.SHREDDED));
        json.writeNumberField("lost", report.count(RangeWord.LOST));
        json.writeNumberField("generationMax", report.generationMax());
        if (report.count(RangeWord.ACTIVE) > 0) {
            json.writeStringField(
                    "oldest", Instant.ofEpochSecond(report.oldestSeconds()).toString());
            json.writeNumberField("oldestAgeSeconds", ageSeconds(report.oldestSeconds()));
            json.writeStringField(
                    "median", Instant.ofEpochSecond(report.medianSeconds()).toString());
            json.writeNumberField("medianAgeSeconds", ageSeconds(report.medianSeconds()));
        }
        if (since.getEpochSecond() > 0) {
            json.writeStringField("since", since.toString());
            json.writeNumberField("madeSince", report.madeSince(since.getEpochSecond()));
        }
        json.writeEndObject();
        json.writeArrayFieldStart("ranges");
        report.forEach(range -> {
            try {
                write(json, range);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, RangeInfo range) throws IOException {
        if (range.state() == RangeWord.NONE) {
            return;
        }
        json.writeStartObject();
        json.writeNumberField("range", range.index());
        json.writeStringField("state", range.stateWord());
        json.writeNumberField("generation", range.generation());
        if (range.state() == RangeWord.ACTIVE) {
            json.writeNumberField("slot", range.slot());
            json.writeStringField(
                    "keyMade", Instant.ofEpochSecond(range.createdSeconds()).toString());
            // 0 is what a range has where nobody counted.
            if (range.encryptedBytes() > 0) {
                json.writeNumberField("encryptedBytes", range.encryptedBytes());
            }
        }
        json.writeEndObject();
    }
}

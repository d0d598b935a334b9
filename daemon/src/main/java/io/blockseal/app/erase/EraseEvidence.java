package io.blockseal.app.erase;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.console.Version;
import io.blockseal.audit.Operator;
import io.blockseal.control.Caller;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What an auditor gets to see of a volume that was erased: whose it was, what opened it, what was destroyed, by whom and
 * when, and, as important, what was not destroyed. Holds no secret. On one thread.
 */
public final class EraseEvidence {
    /** How far it came. */
    public enum Outcome {
        /** Written before anything is destroyed, for whoever comes after a power cut. */
        BEGUN,
        /** All that was asked for is gone. */
        ERASED,
        /** The volume opens no more; a KEK that was to be destroyed is not known to be. */
        KEK_REMAINS,
        /** The storage failed on the way. */
        FAILED
    }

    /**
     * What became of a KEK that was to be destroyed.
     *
     * @param reference where it lived
     * @param slots what opens no more without it
     * @param destroyed whether it is gone
     * @param words how, or why not
     */
    public record Kek(String reference, List<Integer> slots, boolean destroyed, String words) {}

    /**
     * Whose wish it was.
     *
     * @param uid the user, by number
     * @param user by name; empty if this host does not know it
     * @param loginUid who logged in; empty if the system does not tell
     */
    public record Wisher(String uid, String user, String loginUid) {
        /** Who runs this process. */
        public static Wisher self() {
            return new Wisher(Operator.uid(), Operator.user(), Operator.loginUid());
        }

        /** Who gave an order through the control socket, as the kernel says. */
        public static Wisher of(Caller caller) {
            return new Wisher(
                    Integer.toUnsignedString(caller.uid()),
                    Operator.nameOf(caller.uid()),
                    Operator.loginUid(caller.pid()));
        }
    }

    private final VolumeInfo volume;
    private final Wisher wisher;
    private final Path path;
    private final @Nullable Path meta;
    private final @Nullable Path mirror;
    private final Instant begun = now();
    private final List<Kek> keks = new ArrayList<>();
    private Outcome outcome = Outcome.BEGUN;
    private Instant ended = begun;
    private String failure = "";

    /** Of that volume, on those files. */
    public EraseEvidence(VolumeInfo volume, Wisher wisher, Path path, @Nullable Path meta, @Nullable Path mirror) {
        this.volume = volume;
        this.wisher = wisher;
        this.path = path;
        this.meta = meta;
        this.mirror = mirror;
    }

    /** What became of a KEK. */
    public void kek(Kek kek) {
        keks.add(kek);
    }

    /** How it ended; {@code words} say why if it is not as it should be. */
    public void end(Outcome newOutcome, String words) {
        outcome = newOutcome;
        failure = words;
        ended = now();
    }

    /** How each KEK was destroyed. */
    public List<String> destroyedKeks() {
        return keks.stream().filter(Kek::destroyed).map(Kek::words).toList();
    }

    /** What is left, each a sentence. */
    public List<String> remains() {
        List<String> left = new ArrayList<>();
        left.add("Header backups: each brings the volume back with a key that opened a slot when it was made (blockseal"
                + " header restore). Destroy the backups, or those keys.");
        for (KeySlotInfo slot : volume.keySlots()) {
            if (keks.stream().noneMatch(kek -> kek.destroyed() && kek.slots().contains(slot.index()))) {
                left.add("The key of slot " + slot.index() + " (" + describe(slot) + "): it was not destroyed.");
            }
        }
        left.add("Keys of slots that were removed before: they open older copies of the metadata.");
        left.add("Copies of the metadata elsewhere: snapshots, replicas and backups of the storage"
                + (mirror == null ? ", and a metadata mirror, if there is one: none was named." : "."));
        left.add(
                "What flash, copy-on-write or thinly provisioned storage keeps of blocks that were overwritten: only the"
                        + " destruction of every key makes that worthless.");
        left.add("The enciphered data: noise to whoever has no key, and still as large.");
        return left;
    }

    private static String describe(KeySlotInfo slot) {
        return slot.kind()
                + (slot.reference().isEmpty() ? "" : " " + slot.reference())
                + (slot.version().isEmpty() ? "" : " version " + slot.version());
    }

    /** The record as JSON. */
    public String json() {
        return JsonText.of(document -> {
            document.writeStringField("record", "blockseal erase evidence");
            document.writeNumberField("recordVersion", 1);
            document.writeStringField(
                    "outcome", outcome.name().toLowerCase(Locale.ROOT).replace('_', '-'));
            if (!failure.isEmpty()) {
                document.writeStringField("failure", failure);
            }
            document.writeStringField("method", "cryptographic erase");
            document.writeStringField("guideline", "NIST SP 800-88");
            document.writeStringField("begun", begun.toString());
            document.writeStringField("ended", ended.toString());
            writeVolume(document);
            writeSlots(document);
            writeDestroyed(document);
            document.writeArrayFieldStart("remains");
            for (String each : remains()) {
                document.writeString(each);
            }
            document.writeEndArray();
            document.writeObjectFieldStart("operator");
            document.writeStringField("uid", wisher.uid());
            document.writeStringField("user", wisher.user());
            document.writeStringField("loginUid", wisher.loginUid());
            document.writeEndObject();
            document.writeStringField("host", host());
            document.writeStringField("tool", "blockseal " + Version.text());
        });
    }

    private void writeVolume(JsonGenerator document) throws IOException {
        document.writeObjectFieldStart("volume");
        document.writeStringField("path", absolute(path));
        document.writeStringField("uuid", volume.uuid().toString());
        document.writeStringField("label", volume.label());
        document.writeStringField("identity", volume.identity());
        document.writeNumberField("sizeBytes", volume.sizeBytes());
        document.writeNumberField("rangeCount", volume.rangeCount());
        document.writeNumberField("commitSeq", volume.commitSeq());
        document.writeStringField(
                "created", Instant.ofEpochSecond(volume.createdSeconds()).toString());
        document.writeEndObject();
    }

    private void writeSlots(JsonGenerator document) throws IOException {
        document.writeArrayFieldStart("keySlots");
        for (KeySlotInfo slot : volume.keySlots()) {
            document.writeStartObject();
            document.writeNumberField("slot", slot.index());
            document.writeStringField("kind", slot.kind());
            document.writeStringField("label", slot.label());
            document.writeStringField("keyId", slot.reference());
            document.writeStringField("keyVersion", slot.version());
            document.writeEndObject();
        }
        document.writeEndArray();
    }

    private void writeDestroyed(JsonGenerator document) throws IOException {
        boolean gone = outcome == Outcome.ERASED || outcome == Outcome.KEK_REMAINS;
        document.writeObjectFieldStart("destroyed");
        document.writeArrayFieldStart("metadata");
        for (Path place : places()) {
            document.writeStartObject();
            document.writeStringField("path", absolute(place));
            document.writeStringField("what", "key slots A and B, table pages A and B, roots A and B");
            document.writeNumberField("extentsOf64MiB", volume.metadataExtents());
            document.writeBooleanField("overwrittenAndReadBackAsZeros", gone);
            document.writeEndObject();
        }
        document.writeEndArray();
        document.writeArrayFieldStart("keks");
        for (Kek kek : keks) {
            document.writeStartObject();
            document.writeStringField("keyId", kek.reference());
            document.writeArrayFieldStart("slots");
            for (int slot : kek.slots()) {
                document.writeNumber(slot);
            }
            document.writeEndArray();
            document.writeBooleanField("destroyed", kek.destroyed());
            document.writeStringField("how", kek.words());
            document.writeEndObject();
        }
        document.writeEndArray();
        document.writeEndObject();
    }

    private List<Path> places() {
        List<Path> places = new ArrayList<>(List.of(meta == null ? path : meta));
        if (mirror != null) {
            places.add(mirror);
        }
        return places;
    }

    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException nameless) {
            return "unknown";
        }
    }
}

package io.blockseal.app.erase;

import io.blockseal.app.erase.EraseEvidence.Kek;
import io.blockseal.app.erase.EraseEvidence.Outcome;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.KeySlotType;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.VolumeInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The deed, once everybody is sure: first the volume, then the keys that are to go with it, and what has to be recorded of
 * both. The same for a command that erases a closed volume and for a daemon that erases one which it served.
 */
public final class Eraser {
    private final VolumeErasure erasure;
    private final DoomedKeys keys;
    private final EraseEvidence evidence;
    private final String called;
    private final AuditField[] caller;

    /** {@code caller} says in the audit log whose wish it was, if that was not who runs the process. */
    public Eraser(VolumeErasure erasure, DoomedKeys keys, EraseEvidence evidence, String called, AuditField... caller) {
        this.erasure = erasure;
        this.keys = keys;
        this.evidence = evidence;
        this.called = called;
        this.caller = caller;
    }

    /**
     * Destroys. The evidence says how it went, whatever comes of it.
     *
     * @return what to tell of keys that are still there, each a line; empty if all went well
     * @throws StoreException if the volume may open as before, or never again; no key was touched
     */
    public List<String> erase() throws StoreException {
        VolumeInfo info = erasure.info();
        try {
            erasure.apply();
        } catch (StoreException e) {
            evidence.end(Outcome.FAILED, String.valueOf(e.getMessage()));
            throw new StoreException(
                    e.errno(),
                    e.getMessage() + "\n  " + called
                            + " is not erased: it may open as before, or no more but with keys in"
                            + " what is left of it. Mend the storage and repeat it: blockseal erase.",
                    e);
        } catch (RuntimeException | Error e) {
            evidence.end(Outcome.FAILED, String.valueOf(e.getMessage()));
            throw e;
        }
        record(
                AuditEvent.VOLUME_ERASED,
                AuditField.of("volume", erasure.logName()),
                AuditField.of("uuid", info.uuid()),
                AuditField.of("identity", info.identity()),
                AuditField.of("slots", info.keySlots().size()));
        evidence.end(Outcome.ERASED, "");
        List<String> complaints = new ArrayList<>();
        for (Map.Entry<KeySource, List<Integer>> each : keys.slots().entrySet()) {
            destroy(info, each.getKey(), each.getValue(), complaints);
        }
        return complaints;
    }

    private void destroy(VolumeInfo info, KeySource source, List<Integer> slots, List<String> complaints) {
        try {
            String how = source.destroy() + othersNeeded(info, slots);
            evidence.kek(new Kek(source.reference(), slots, true, how));
            record(
                    AuditEvent.KEK_DESTROYED,
                    AuditField.of("volume", erasure.logName()),
                    AuditField.of("uuid", info.uuid()),
                    AuditField.of("kek", source.reference()));
        } catch (KeySourceException | RuntimeException e) {
            // The volume is gone whatever a source does.
            String why = String.valueOf(e.getMessage());
            evidence.kek(new Kek(source.reference(), slots, false, why));
            evidence.end(Outcome.KEK_REMAINS, why);
            complaints.add(called + ": erased, but " + why);
        }
    }

    /** Of slots that need several keys one that is gone is enough: the record says so of each. */
    private static String othersNeeded(VolumeInfo info, List<Integer> slots) {
        StringBuilder words = new StringBuilder();
        for (KeySlotInfo slot : info.keySlots()) {
            if (slots.contains(slot.index()) && slot.kind().equals(KeySlotType.ALL_OF.kind())) {
                words.append("; key slot ")
                        .append(slot.index())
                        .append(" needed it and opens no more, whatever becomes of the other parts of ")
                        .append(slot.reference());
            }
        }
        return words.toString();
    }

    private void record(AuditEvent event, AuditField... fields) {
        List<AuditField> all = new ArrayList<>(Arrays.asList(fields));
        all.addAll(Arrays.asList(caller));
        AuditLog.record(event, all.toArray(AuditField[]::new));
    }
}

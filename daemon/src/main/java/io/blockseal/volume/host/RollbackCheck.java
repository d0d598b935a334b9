package io.blockseal.volume.host;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides, once per opening, whether a volume may go on from the metadata that was found, when that may be older than
 * what was there before: as a whole (the anchor tells) or in part (the table root tells). Says no with what to do, or,
 * if the operator accepted it, lets it pass and leaves a line for the auditor. Changes nothing on disk.
 */
public final class RollbackCheck {
    private static final Logger LOG = LoggerFactory.getLogger(RollbackCheck.class);

    private final String volumeName;
    private final String logName;
    private final RootBlock root;
    private final RollbackAnchors anchors;
    private final boolean accepted;
    private @Nullable RollbackAnchor anchor;
    private @Nullable String acceptedWhat;

    /**
     * Of one volume.
     *
     * @param volumeName what messages call it
     * @param logName what the log and the audit log call it
     * @param accepted whether the operator has said that an older state is meant
     */
    public RollbackCheck(String volumeName, String logName, RootBlock root, RollbackAnchors anchors, boolean accepted) {
        this.volumeName = volumeName;
        this.logName = logName;
        this.root = root;
        this.anchors = anchors;
        this.accepted = accepted;
    }

    /**
     * Compares the authenticated root with what this host remembers.
     *
     * @return whether the metadata went back, and the operator accepts it
     */
    public boolean whole() throws VolumeRefusedException {
        String place = anchors.place(root.uuid());
        try {
            anchor = anchors.recall(root.uuid());
        } catch (IOException e) {
            decide(
                    "anchor-unreadable",
                    "the rollback anchor " + place + " cannot be read (" + FileTrouble.words(e)
                            + "), so nobody can tell"
                            + " whether the metadata is the newest. Nothing was changed. Mend the state directory, or,"
                            + " if you know that no older copy was put back,");
            return true;
        }
        RollbackAnchor found = RollbackAnchor.of(root);
        if (anchor == null || anchor.mayBecome(found)) {
            return false;
        }
        String remembered = "this host remembers commit " + anchor.commitSeq() + " of it (" + place + ")";
        if (found.commitSeq() < anchor.commitSeq()) {
            decide(
                    "older",
                    "its metadata is of commit " + found.commitSeq() + ", but " + remembered + ": an older copy was put"
                            + " back, as by restoring a snapshot or a backup. What was written since to ranges new then"
                            + " is lost, and keys removed since open it again. Nothing was changed. Put the newest"
                            + " metadata back, or, if you know why it is older and accept that,");
        } else {
            decide(
                    "other-history",
                    "its metadata is of commit " + found.commitSeq() + ", and " + remembered
                            + ", but of another history:"
                            + " a copy of the volume went its own way, or somebody tampers. Nothing was"
                            + " changed. Put the metadata back that was here, or, if you accept this one instead,");
        }
        return true;
    }

    /** No root of the primary is whole, and the mirror's is older than a page of the primary's table. */
    public void mirrorBehind(int pageIndex) throws VolumeRefusedException {
        decide(
                "mirror-behind",
                "no root of the primary metadata is whole, and the mirror is older than its table page " + pageIndex
                        + ". Going on with the mirror would lose what was written to new ranges since. Nothing was"
                        + " changed. Restore the metadata from a newer backup, or, if you accept that,");
    }

    /** The table is not the one that the authenticated root describes. */
    public void part() throws VolumeRefusedException {
        decide(
                "mixed-table",
                "the table is not the one that the root describes: pages were put back from an older copy, or lost."
                        + " Ranges may show old data or noise. Nothing was changed. Restore the metadata from a backup,"
                        + " or, if you accept that,");
    }

    /** Tells the auditor what was accepted, once it is sure that the volume opens. */
    public void settle() {
        if (acceptedWhat != null) {
            LOG.warn("volume={}: the metadata went back ({}), which the operator accepts", logName, acceptedWhat);
            record(AuditEvent.ROLLBACK_ACCEPTED, acceptedWhat);
        }
    }

    private void decide(String what, String message) throws VolumeRefusedException {
        if (!accepted) {
            record(AuditEvent.ROLLBACK_REFUSED, what);
            throw new VolumeRefusedException(
                    Reason.ROLLBACK, volumeName + ": " + message + " open it once with --accept-rollback.");
        }
        acceptedWhat = acceptedWhat == null ? what : acceptedWhat + "," + what;
    }

    private void record(AuditEvent event, String what) {
        AuditLog.record(
                event,
                AuditField.of("volume", logName),
                AuditField.of("uuid", root.uuid()),
                AuditField.of("found", root.commitSeq()),
                AuditField.of("anchor", anchor == null ? "none" : Long.toString(anchor.commitSeq())),
                AuditField.of("what", what));
    }
}

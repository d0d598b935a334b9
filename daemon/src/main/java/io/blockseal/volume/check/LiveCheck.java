package io.blockseal.volume.check;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.check.CheckReport.Finding;
import io.blockseal.volume.check.CheckReport.Severity;
import io.blockseal.volume.metadata.MetadataCommitter;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.MetadataState;
import io.blockseal.volume.metadata.PageFinding;
import io.blockseal.volume.metadata.PageRoom;
import io.blockseal.volume.metadata.TableScan;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.EntryCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks at all metadata of an open volume, while guests use it: whether every copy on the disk, the mirror's too, is what
 * the volume has in memory, and whether that verifies and gives every DEK. Between two commits they are equal to the byte;
 * so each group of pages is read on the keeper, which meanwhile commits nothing, and nothing that is just being rewritten
 * can look like damage. Changes nothing. On any thread but a loop's and a keeper's.
 *
 * <p>What is damaged on the disk is not lost as long as the volume is open: {@link #repair} writes it anew from memory.
 */
public final class LiveCheck {
    /** What is read in one go: first writes to new ranges wait for some milliseconds at most. */
    private static final int GROUP_PAGES = 64;

    private final Volume volume;
    private final JobControl control;
    private final List<Finding> findings = new ArrayList<>();

    private LiveCheck(Volume volume, JobControl control) {
        this.volume = volume;
        this.control = control;
    }

    /**
     * Checks.
     *
     * @throws StoreException if the storage does not even tell what it has
     * @throws VolumeRefusedException if the volume is locked or closed, since nothing can be verified without its keys
     * @throws JobCanceledException if told to end
     */
    public static CheckReport check(Volume volume, JobControl control)
            throws StoreException, VolumeRefusedException, JobCanceledException {
        LiveCheck check = new LiveCheck(volume, control);
        check.alone(check::beginning);
        long activeRanges = check.wholeTable();
        check.pages();
        return new CheckReport(volume.name(), true, activeRanges, List.copyOf(check.findings));
    }

    /**
     * Makes every copy on the disk what the volume has in memory.
     *
     * @param findings how many there were, for the record
     * @throws VolumeRefusedException if that cannot be done, and why; the log says more
     */
    public static void repair(Volume volume, int findings) throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        volume.committer().mend();
        AuditLog.record(
                AuditEvent.REPAIR,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("commit", volume.commitSeq()),
                AuditField.of("findings", findings));
    }

    private void alone(MetadataCommitter.Task look) throws StoreException, VolumeRefusedException {
        volume.committer().lookAlone(() -> {
            volume.requireUnlocked();
            look.run();
        });
    }

    /** What is not of the table; and makes the disks tell what they have, not the system's memory of it. */
    private void beginning() throws StoreException {
        MetadataCopies copies = volume.metadataCopies();
        RootBlock root = volume.diskRoot();
        if (volume.committer().state() == MetadataCommitter.State.FAILED) {
            add(
                    "metadata",
                    "",
                    "takes no changes since a commit failed; it is tried again by itself, the log says why");
        }
        if (copies.mirror() == MetadataCopies.Mirror.DOWN) {
            add("mirror", "", "is away; it is tried again, and made whole by itself when it is back");
        }
        if (!volume.shape().readOnly()) {
            copies.flush();
        }
        copies.dropHeadCache();
        copies.dropTailCache(root);
        if (!volume.keys().verifies(root)) {
            damage(root.block(), "mac", "does not verify in memory: the host's memory is not sound");
        }
        byte[] area = volume.keySlotArea().image();
        for (int copy = 0; copy < copies.count(); copy++) {
            int each = copy;
            compare(MetadataCopies.name("root", copy), root.image(), () -> copies.readRoot(each), "the daemon's");
            compare(
                    MetadataCopies.name("key slot area", copy),
                    area,
                    () -> copies.readKeySlots(each),
                    "the one that the daemon goes by");
        }
    }

    /** Reads a block. */
    private interface Reading {
        byte[] read() throws StoreException;
    }

    private void compare(String block, byte[] truth, Reading reading, String expected) {
        try {
            if (!Arrays.equals(reading.read(), truth)) {
                add(block, "", "is not " + expected);
            }
        } catch (StoreException e) {
            add(block, "", "cannot be read: " + e.getMessage());
        }
    }

    /** What can only be seen of all pages together, as of one commit: that no two ranges share a slot. */
    private long wholeTable() throws StoreException, VolumeRefusedException, JobCanceledException {
        DekTable table = volume.table();
        @Nullable TablePage[] pages = new TablePage[table.pageCount()];
        RootBlock[] root = new RootBlock[1];
        alone(() -> {
            root[0] = volume.root();
            for (int index = 0; index < pages.length; index++) {
                pages[index] = table.page(index);
            }
        });
        EntryCheck entries = new EntryCheck(volume.engine(), root[0], null, new Entries(true));
        for (TablePage page : pages) {
            control.checkpoint();
            if (page != null) {
                entries.page(page);
            }
        }
        return entries.activeRanges();
    }

    /** What is wrong in entries: with their slots, or with everything else. */
    private final class Entries implements EntryCheck.Complaints {
        private final boolean slots;

        Entries(boolean slots) {
            this.slots = slots;
        }

        @Override
        public void add(String block, String field, String found) {
            if (slots == field.equals("slot")) {
                damage(block, field, found);
            }
        }

        @Override
        public void givenUp(long range) {
            add("range " + range, "state", "was given up");
        }
    }

    private void pages() throws StoreException, VolumeRefusedException, JobCanceledException {
        int end = volume.table().pageCount();
        int first = 0;
        while (first < end) {
            control.checkpoint();
            int from = first;
            int count = Math.min(GROUP_PAGES, TableScan.neighbours(first, end));
            alone(() -> group(from, count));
            first += count;
            control.progress(first, end);
        }
    }

    private void group(int first, int count) {
        EntryCheck entries = new EntryCheck(volume.engine(), volume.root(), volume.keys(), new Entries(false));
        for (int index = first; index < first + count; index++) {
            TablePage truth = volume.table().page(index);
            if (truth != null && !volume.keys().verifies(truth)) {
                damage("table page " + index, "mac", "does not verify in memory: the host's memory is not sound");
            } else if (truth != null) {
                entries.page(truth);
            }
        }
        MetadataCopies copies = volume.metadataCopies();
        try (PageRoom room = new PageRoom(count)) {
            for (int copy = 0; copy < copies.count(); copy++) {
                copy(first, count, copy, room);
            }
        }
    }

    /** One copy of neighbouring pages: in one go, or, if the store has a bad block there, page by page. */
    private void copy(int first, int count, int copy, PageRoom room) {
        MetadataCopies copies = volume.metadataCopies();
        boolean whole = false;
        try {
            copies.readPages(volume.diskRoot(), first, copy, room.pages(0, count));
            whole = true;
        } catch (StoreException wholeGroup) {
            // Which of them it is, the single reads tell.
        }
        for (int i = 0; i < count; i++) {
            int index = first + i;
            String block = MetadataCopies.name("table page " + index + " copy", copy);
            try {
                if (!whole) {
                    copies.readPages(volume.diskRoot(), index, copy, room.pages(i, 1));
                }
                page(block, index, room.pages(i, 1));
            } catch (StoreException e) {
                add(block, "", "cannot be read: " + e.getMessage());
            }
        }
    }

    private void page(String block, int index, ByteBuffer image) {
        if (volume.isLostPage(index)) {
            damage(block, "", "no copy was whole when the volume was opened");
        } else if (!image.equals(MetadataState.bytesOrZeros(volume.table().page(index)))) {
            String what = found(block, index, image);
            add(block, "", what + "; the daemon still has the right one in memory");
        }
    }

    private String found(String block, int index, ByteBuffer image) {
        if (TablePage.isZero(image)) {
            return "is empty";
        }
        try {
            TablePage page = TablePage.decode(image, index, block);
            boolean verified = volume.keys().verifies(page);
            page.wipeDeks();
            if (!verified) {
                return PageFinding.WRONG_MAC;
            }
            return "is of commit " + page.commitSeq() + ", and not what the volume is at";
        } catch (MalformedVolumeException e) {
            return e.field() + ": does not fit";
        }
    }

    /** As long as the volume is open, what the disk has lost is not lost. */
    private void add(String block, String field, String message) {
        findings.add(new Finding(Severity.REPAIRABLE, block, field, message));
    }

    private void damage(String block, String field, String message) {
        findings.add(new Finding(Severity.DAMAGE, block, field, message));
    }
}

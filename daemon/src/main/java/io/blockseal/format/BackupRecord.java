package io.blockseal.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** One table page in a header backup: its index, then its 4096 bytes. Records are in the order of their indices. */
public final class BackupRecord {
    private BackupRecord() {}

    /** {@link BackupLayout#RECORD_BYTES} bytes. */
    public static byte[] encode(TablePage page) {
        ByteBuffer bytes = ByteBuffer.allocate(BackupLayout.RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return bytes.putInt(page.index()).put(page.image()).array();
    }

    /**
     * Reads the record at {@code offset} of {@code source}, checking all that needs no key.
     *
     * @param root of the same backup
     * @param least the smallest index that may come now
     */
    public static TablePage decode(byte[] source, int offset, RootBlock root, int least, String file)
            throws MalformedVolumeException {
        ByteBuffer bytes =
                ByteBuffer.wrap(source, offset, BackupLayout.RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int index = bytes.getInt();
        if (index < least || index >= root.pageCount()) {
            throw new MalformedVolumeException(
                    file, "page index", index + " is not within " + least + " to " + (root.pageCount() - 1));
        }
        byte[] image = new byte[MetadataLayout.BLOCK_BYTES];
        bytes.get(image);
        TablePage page = TablePage.decode(image, index, file + ": table page " + index);
        if (page.commitSeq() <= 0 || page.commitSeq() > root.commitSeq()) {
            throw new MalformedVolumeException(
                    file + ": table page " + index,
                    "commit_seq",
                    page.commitSeq() + ", but the root's is " + root.commitSeq());
        }
        return page;
    }
}

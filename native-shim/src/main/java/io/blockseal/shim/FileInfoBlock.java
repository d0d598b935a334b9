package io.blockseal.shim;

/** Result of {@link Shim#fileInfo}: what an open file or block device is and how it likes to be used. */
public final class FileInfoBlock {
    public static final long TYPE_REGULAR = 1;
    public static final long TYPE_BLOCK_DEVICE = 2;
    public static final long TYPE_OTHER = 3;

    /** {@link #filesystemMagic()} of a tmpfs. */
    public static final long MAGIC_TMPFS = 0x01021994L;
    /** {@link #filesystemMagic()} of a ramfs. */
    public static final long MAGIC_RAMFS = 0x858458f6L;

    static final int KIND = 5;
    private static final int TYPE = 0;
    private static final int SIZE_BYTES = TYPE + Long.BYTES;
    private static final int LOGICAL_BLOCK_BYTES = SIZE_BYTES + Long.BYTES;
    private static final int PHYSICAL_BLOCK_BYTES = LOGICAL_BLOCK_BYTES + Long.BYTES;
    private static final int PREFERRED_BLOCK_BYTES = PHYSICAL_BLOCK_BYTES + Long.BYTES;
    private static final int ALLOCATED_BYTES = PREFERRED_BLOCK_BYTES + Long.BYTES;
    private static final int FILESYSTEM_MAGIC = ALLOCATED_BYTES + Long.BYTES;
    private static final int DEVICE = FILESYSTEM_MAGIC + Long.BYTES;
    private static final int INODE = DEVICE + Long.BYTES;
    private static final int DISCARD_ZEROES = INODE + Long.BYTES;
    static final int BYTES = DISCARD_ZEROES + Long.BYTES;

    private final OffHeap memory = OffHeap.allocate(BYTES);

    public long address() {
        return memory.address();
    }

    public long type() {
        return memory.getLong(TYPE);
    }

    /** Of a block device, too. */
    public long sizeBytes() {
        return memory.getLong(SIZE_BYTES);
    }

    /** Alignment that O_DIRECT needs; 512 for regular files. */
    public int logicalBlockBytes() {
        return (int) memory.getLong(LOGICAL_BLOCK_BYTES);
    }

    public int physicalBlockBytes() {
        return (int) memory.getLong(PHYSICAL_BLOCK_BYTES);
    }

    public int preferredBlockBytes() {
        return (int) memory.getLong(PREFERRED_BLOCK_BYTES);
    }

    public long allocatedBytes() {
        return memory.getLong(ALLOCATED_BYTES);
    }

    /** {@code statfs.f_type} without sign; of a block device it is that of the file system its node lies in. */
    public long filesystemMagic() {
        return memory.getLong(FILESYSTEM_MAGIC);
    }

    /** With {@link #inode()} it identifies a regular file; alone it identifies a block device. */
    public long device() {
        return memory.getLong(DEVICE);
    }

    public long inode() {
        return memory.getLong(INODE);
    }

    /** Whether the device promises that discarded blocks read as zeros. */
    public boolean discardZeroes() {
        return memory.getLong(DISCARD_ZEROES) != 0;
    }
}

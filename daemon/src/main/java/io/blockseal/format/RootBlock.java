package io.blockseal.format;

import static io.blockseal.format.MetadataLayout.BLOCK_BYTES;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The root of a volume: 4096 bytes that name everything else. A view over its own copy of the bytes, so that fields of
 * later minor versions survive being rewritten.
 *
 * <p>Life: {@link #decode} (bounded, CRC), then the owner of the keys compares {@link #mac()} with its own MAC of
 * {@link #macInput()}, then {@link #requireConsistent()}, then the rest may be believed. To change: {@link #copy()},
 * setters, {@link #seal}. Not thread-safe while being changed.
 */
public final class RootBlock {
    /** First eight bytes: 89 "BSL" CR LF 1A LF, so that text-mode damage shows. */
    public static final long MAGIC = 0x0a1a_0a0d_4c53_4289L;
    /** The one major version that this code reads and writes. */
    public static final int MAJOR = 1;
    /** AES-256-XTS. There is no code for "none". */
    public static final int SUITE_AES_256_XTS = 1;
    /** Incompatible features that this code knows: none yet. */
    public static final long INCOMPAT_KNOWN = 0;
    /** Features that only writers must know: none yet. */
    public static final long RO_COMPAT_KNOWN = 0;
    /** Compatible feature: some range has had a slot other than its own index, so no unused slot is known to be fresh. */
    public static final long COMPAT_RELOCATED = 1;
    /** Compatible feature: the store held something before the volume, so every slot is zeroed before its first use. */
    public static final long COMPAT_DIRTY = 2;
    /** Placement: the metadata extents are in a store of their own. */
    public static final int PLACEMENT_DETACHED = 1;
    /** Smallest range that the format allows; operators get {@link #RANGE_SHIFT_OPERATOR_MIN}. */
    public static final int RANGE_SHIFT_MIN = 16;
    /** Smallest range that an operator may choose: 16 MiB. */
    public static final int RANGE_SHIFT_OPERATOR_MIN = 24;
    /** Largest range: 16 GiB. */
    public static final int RANGE_SHIFT_MAX = 34;
    /** Physical slots are numbered in 28 bits. */
    public static final long SLOTS_MAX = 1L << 28;
    /** Bytes of the label. */
    public static final int LABEL_BYTES = RootLayout.LABEL_BYTES;

    private final String block;
    private final byte[] image;
    private final ByteBuffer bytes;

    private RootBlock(String block, byte[] image) {
        this.block = block;
        this.image = image;
        this.bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A root with its constants set and all else zero. */
    public static RootBlock fresh() {
        RootBlock root = new RootBlock("root", new byte[BLOCK_BYTES]);
        root.bytes.putLong(RootLayout.MAGIC, MAGIC);
        root.bytes.putShort(RootLayout.MAJOR, (short) MAJOR);
        root.bytes.putInt(RootLayout.BLOCK_SIZE, BLOCK_BYTES);
        root.bytes.putShort(RootLayout.SUITE, (short) SUITE_AES_256_XTS);
        return root;
    }

    /**
     * Reads a root as far as it can be trusted without a key: magic, CRC, version, and the bounds of what unlocking
     * itself needs. Unknown features are the caller's to refuse ({@link #unknownIncompat}).
     *
     * @param block what to call it in messages: "root A"
     */
    public static RootBlock decode(byte[] source, String block) throws MalformedVolumeException {
        if (source.length != BLOCK_BYTES) {
            throw new MalformedVolumeException(block, "length", source.length + " bytes, not " + BLOCK_BYTES);
        }
        RootBlock root = new RootBlock(block, source.clone());
        long magic = root.bytes.getLong(RootLayout.MAGIC);
        if (magic != MAGIC) {
            throw new MalformedVolumeException(
                    block, "magic", "found " + hex(magic) + ": damaged, or not a Blockseal volume");
        }
        int crc = root.bytes.getInt(RootLayout.CRC);
        if (crc != root.computeCrc()) {
            throw new MalformedVolumeException(
                    block, "crc", "found " + hex(crc) + ", computed " + hex(root.computeCrc()) + ": damaged");
        }
        root.require(root.major() == MAJOR, "major version", root.major() + "; this release reads " + MAJOR);
        int blockSize = root.bytes.getInt(RootLayout.BLOCK_SIZE);
        root.require(blockSize == BLOCK_BYTES, "block size", blockSize + ", not " + BLOCK_BYTES);
        root.require(root.keySlotArea() <= 1, "key slot area", root.keySlotArea() + ", neither 0 nor 1");
        for (int i = RootLayout.MAC + RootLayout.HASH_BYTES; i < RootLayout.CRC; i++) {
            // No MAC covers them, so they may never mean anything.
            root.require(root.bytes.get(i) == 0, "end", "byte " + i + " is not zero: damaged");
        }
        return root;
    }

    /**
     * Checks that every number is within its bounds and fits the others. To be called once the MAC was verified, or for
     * a report that says that it was not.
     */
    public void requireConsistent() throws MalformedVolumeException {
        require(commitSeq() > 0, "commit_seq", commitSeq() + " is out of bounds");
        require(suite() == SUITE_AES_256_XTS, "suite", suite() + " is unknown");
        require(unitShift() == 9 || unitShift() == 12, "unit shift", unitShift() + ", neither 9 nor 12");
        require(
                rangeShift() >= RANGE_SHIFT_MIN && rangeShift() <= RANGE_SHIFT_MAX,
                "range shift",
                rangeShift() + " is not within " + RANGE_SHIFT_MIN + " to " + RANGE_SHIFT_MAX);
        long size = sizeBytes();
        require(size > 0 && size <= SLOTS_MAX << rangeShift(), "volume size", size + " bytes is out of bounds");
        require((size & (unitBytes() - 1)) == 0, "volume size", size + " is no multiple of the data unit");
        long ranges = ((size - 1) >>> rangeShift()) + 1;
        require(rangeCount() == ranges, "range count", rangeCount() + ", but the size takes " + ranges);
        require(
                slotCount() >= ranges && slotCount() <= SLOTS_MAX,
                "slot count",
                slotCount() + " for " + ranges + " ranges");
        require(
                rotationCursor() >= 0 && rotationCursor() <= (rotating() ? pageCount() : 0),
                "volume key rotation",
                "page " + rotationCursor() + " is out of bounds");
        require((placement() & ~PLACEMENT_DETACHED) == 0, "placement", placement() + " has unknown bits");
        requireExtents(ranges);
    }

    private void requireExtents(long ranges) throws MalformedVolumeException {
        int count = extentCount();
        require(count >= 1 && count <= MetadataLayout.EXTENTS_MAX, "extent count", count + " is not within 1 to 64");
        require(
                MetadataLayout.extentsFor(ranges) <= count,
                "extent count",
                count + ", but " + ranges + " ranges need " + MetadataLayout.extentsFor(ranges));
        long dataOffset = dataOffsetBytes();
        require(
                dataOffset >= 0 && dataOffset % BLOCK_BYTES == 0 && dataOffset <= Long.MAX_VALUE >>> 1,
                "data offset",
                dataOffset + " is out of bounds");
        long dataEnd = dataOffset + (slotCount() << rangeShift());
        require(dataEnd > 0, "data offset", dataOffset + " leaves no room for the slots");
        require(extentOffset(0) == 0, "extent 0", extentOffset(0) + ", not 0");
        require(
                detached() || dataOffset >= MetadataLayout.EXTENT_BYTES,
                "data offset",
                dataOffset + " lies in extent 0");
        for (int i = 1; i < count; i++) {
            long offset = extentOffset(i);
            require(
                    offset > 0 && offset % BLOCK_BYTES == 0 && offset <= Long.MAX_VALUE >>> 1,
                    "extent " + i,
                    offset + " is out of bounds");
            for (int j = 0; j < i; j++) {
                require(
                        Math.abs(offset - extentOffset(j)) >= MetadataLayout.EXTENT_BYTES,
                        "extent " + i,
                        "overlaps extent " + j);
            }
            boolean before = offset + MetadataLayout.EXTENT_BYTES <= dataOffset;
            boolean within = offset >= dataOffset && offset + MetadataLayout.EXTENT_BYTES <= dataEnd;
            require(detached() || before || within, "extent " + i, offset + " lies across the border of the data area");
        }
    }

    /** What the MAC covers: everything before it. */
    public byte[] macInput() {
        byte[] covered = new byte[RootLayout.MAC];
        bytes.get(0, covered);
        return covered;
    }

    /** The stored MAC. */
    public byte[] mac() {
        return get(RootLayout.MAC, RootLayout.HASH_BYTES);
    }

    /** Puts the MAC of {@link #macInput()} in, then the CRC: the block is ready to be written. */
    public void seal(byte[] mac) {
        put(RootLayout.MAC, RootLayout.HASH_BYTES, mac);
        bytes.putInt(RootLayout.CRC, computeCrc());
    }

    /** A copy of the 4096 bytes. */
    public byte[] image() {
        return image.clone();
    }

    /** A root of its own with the same content, to be changed. */
    public RootBlock copy() {
        return new RootBlock(block, image.clone());
    }

    /** What messages call it. */
    public String block() {
        return block;
    }

    /** Where a page copy lies on the metadata store. */
    public long pageOffset(int pageIndex, int copy) {
        return extentOffset(MetadataLayout.extentOfPage(pageIndex))
                + MetadataLayout.pageOffsetInExtent(pageIndex, copy);
    }

    /** How many table pages the volume's ranges take. */
    public int pageCount() {
        return (int) MetadataLayout.pagesFor(rangeCount());
    }

    public int major() {
        return Short.toUnsignedInt(bytes.getShort(RootLayout.MAJOR));
    }

    public int minor() {
        return Short.toUnsignedInt(bytes.getShort(RootLayout.MINOR));
    }

    public UUID uuid() {
        ByteBuffer uuid = ByteBuffer.wrap(uuidBytes());
        return new UUID(uuid.getLong(), uuid.getLong());
    }

    /** The UUID as it is stored and as every derivation uses it: in the order in which it is printed. */
    public byte[] uuidBytes() {
        return get(RootLayout.UUID, RootLayout.UUID_BYTES);
    }

    public RootBlock uuidBytes(byte[] uuid) {
        return put(RootLayout.UUID, RootLayout.UUID_BYTES, uuid);
    }

    public long commitSeq() {
        return bytes.getLong(RootLayout.COMMIT_SEQ);
    }

    public RootBlock commitSeq(long seq) {
        bytes.putLong(RootLayout.COMMIT_SEQ, seq);
        return this;
    }

    /** Bits that this release must know to open at all, and does not. */
    public long unknownIncompat() {
        return bytes.getLong(RootLayout.INCOMPAT) & ~INCOMPAT_KNOWN;
    }

    /** Bits that this release must know to write, and does not. */
    public long unknownRoCompat() {
        return bytes.getLong(RootLayout.RO_COMPAT) & ~RO_COMPAT_KNOWN;
    }

    public RootBlock features(long incompat, long roCompat, long compat) {
        bytes.putLong(RootLayout.INCOMPAT, incompat);
        bytes.putLong(RootLayout.RO_COMPAT, roCompat);
        bytes.putLong(RootLayout.COMPAT, compat);
        return this;
    }

    /** Whether some range has had a slot other than its own index. */
    public boolean relocated() {
        return (bytes.getLong(RootLayout.COMPAT) & COMPAT_RELOCATED) != 0;
    }

    public RootBlock markRelocated() {
        bytes.putLong(RootLayout.COMPAT, bytes.getLong(RootLayout.COMPAT) | COMPAT_RELOCATED);
        return this;
    }

    /** Whether slots that no range ever had may hold what lay on the store before. */
    public boolean dirty() {
        return (bytes.getLong(RootLayout.COMPAT) & COMPAT_DIRTY) != 0;
    }

    public RootBlock markDirty() {
        bytes.putLong(RootLayout.COMPAT, bytes.getLong(RootLayout.COMPAT) | COMPAT_DIRTY);
        return this;
    }

    public long sizeBytes() {
        return bytes.getLong(RootLayout.SIZE);
    }

    /** Sets the size and, from it, the range count; the range shift must be set. */
    public RootBlock sizeBytes(long size) {
        bytes.putLong(RootLayout.SIZE, size);
        bytes.putLong(RootLayout.RANGE_COUNT, ((size - 1) >>> rangeShift()) + 1);
        return this;
    }

    public int rangeShift() {
        return bytes.get(RootLayout.RANGE_SHIFT);
    }

    public int unitShift() {
        return bytes.get(RootLayout.UNIT_SHIFT);
    }

    public int unitBytes() {
        return 1 << unitShift();
    }

    public RootBlock shifts(int rangeShift, int unitShift) {
        bytes.put(RootLayout.RANGE_SHIFT, (byte) rangeShift);
        bytes.put(RootLayout.UNIT_SHIFT, (byte) unitShift);
        return this;
    }

    public int suite() {
        return Short.toUnsignedInt(bytes.getShort(RootLayout.SUITE));
    }

    public int vkEpoch() {
        return bytes.getInt(RootLayout.VK_EPOCH);
    }

    public RootBlock vkEpoch(int epoch) {
        bytes.putInt(RootLayout.VK_EPOCH, epoch);
        return this;
    }

    public long rangeCount() {
        return bytes.getLong(RootLayout.RANGE_COUNT);
    }

    public long slotCount() {
        return Integer.toUnsignedLong(bytes.getInt(RootLayout.SLOT_COUNT));
    }

    public int spareTarget() {
        return bytes.getInt(RootLayout.SPARE_TARGET);
    }

    public RootBlock slots(long slotCount, int spareTarget) {
        bytes.putInt(RootLayout.SLOT_COUNT, (int) slotCount);
        bytes.putInt(RootLayout.SPARE_TARGET, spareTarget);
        return this;
    }

    public long dataOffsetBytes() {
        return bytes.getLong(RootLayout.DATA_OFFSET);
    }

    public RootBlock dataOffsetBytes(long offset) {
        bytes.putLong(RootLayout.DATA_OFFSET, offset);
        return this;
    }

    /** Where the data area ends, on the data store. */
    public long dataEndBytes() {
        return dataOffsetBytes() + (slotCount() << rangeShift());
    }

    public int extentCount() {
        return Short.toUnsignedInt(bytes.getShort(RootLayout.EXTENT_COUNT));
    }

    public long extentOffset(int extent) {
        return bytes.getLong(RootLayout.EXTENTS + extent * Long.BYTES);
    }

    /** Appends a metadata extent. */
    public RootBlock addExtent(long offset) {
        int index = extentCount();
        if (index == MetadataLayout.EXTENTS_MAX) {
            throw new IllegalStateException("a volume has at most 64 metadata extents");
        }
        bytes.putLong(RootLayout.EXTENTS + index * Long.BYTES, offset);
        bytes.putShort(RootLayout.EXTENT_COUNT, (short) (index + 1));
        return this;
    }

    /** Which key slot area is in force: 0 or 1. */
    public int keySlotArea() {
        return Byte.toUnsignedInt(bytes.get(RootLayout.KEY_SLOT_AREA));
    }

    /** SHA-256 of the key slot area in force. */
    public byte[] keySlotHash() {
        return get(RootLayout.KEY_SLOT_HASH, RootLayout.HASH_BYTES);
    }

    public RootBlock keySlots(int area, byte[] hash) {
        bytes.put(RootLayout.KEY_SLOT_AREA, (byte) area);
        return put(RootLayout.KEY_SLOT_HASH, RootLayout.HASH_BYTES, hash);
    }

    public int placement() {
        return Byte.toUnsignedInt(bytes.get(RootLayout.PLACEMENT));
    }

    /** Whether the metadata extents lie in a store of their own. */
    public boolean detached() {
        return (placement() & PLACEMENT_DETACHED) != 0;
    }

    public RootBlock placement(int placement) {
        bytes.put(RootLayout.PLACEMENT, (byte) placement);
        return this;
    }

    public byte[] tableRoot() {
        return get(RootLayout.TABLE_ROOT, RootLayout.HASH_BYTES);
    }

    public RootBlock tableRoot(byte[] tableRoot) {
        return put(RootLayout.TABLE_ROOT, RootLayout.HASH_BYTES, tableRoot);
    }

    /** The public tag by which a volume key is recognised. */
    public byte[] identityTag() {
        return get(RootLayout.IDENTITY, RootLayout.IDENTITY_BYTES);
    }

    public RootBlock identityTag(byte[] tag) {
        return put(RootLayout.IDENTITY, RootLayout.IDENTITY_BYTES, tag);
    }

    /** Whether the volume key is being rotated: pages may still be of the epoch before. */
    public boolean rotating() {
        return !TablePage.isZero(previousKey());
    }

    /** The volume key of the epoch before, AES-KWP under the current one; zeros if no rotation is under way. */
    public byte[] previousKey() {
        return get(RootLayout.PREVIOUS_VK, RootLayout.PREVIOUS_VK_BYTES);
    }

    /** Begins a rotation of the volume key, at the first page. */
    public RootBlock beginRotation(int newEpoch, byte[] wrappedPreviousKey) {
        bytes.putLong(RootLayout.VK_CURSOR, 0);
        return vkEpoch(newEpoch).put(RootLayout.PREVIOUS_VK, RootLayout.PREVIOUS_VK_BYTES, wrappedPreviousKey);
    }

    /** While a rotation is under way: the first page that may still be of the epoch before. */
    public long rotationCursor() {
        return bytes.getLong(RootLayout.VK_CURSOR);
    }

    public RootBlock rotationCursor(long nextPage) {
        bytes.putLong(RootLayout.VK_CURSOR, nextPage);
        return this;
    }

    /** Ends a rotation: the epoch before counts no more. */
    public RootBlock endRotation() {
        bytes.putLong(RootLayout.VK_CURSOR, 0);
        return put(RootLayout.PREVIOUS_VK, RootLayout.PREVIOUS_VK_BYTES, new byte[RootLayout.PREVIOUS_VK_BYTES]);
    }

    /** Whether a page may be of that epoch. */
    public boolean admits(int pageIndex, int pageEpoch) {
        boolean before = rotating() && pageEpoch == vkEpoch() - 1 && pageIndex >= rotationCursor();
        return before || pageEpoch == vkEpoch();
    }

    /** When the answer to a leak of keys began, Unix time; 0 if none is under way. */
    public long leakSeconds() {
        return bytes.getLong(RootLayout.LEAK_SECONDS);
    }

    /** While an answer to a leak is under way: the epoch that must be left. */
    public int leakedEpoch() {
        return bytes.getInt(RootLayout.LEAKED_EPOCH);
    }

    /** Notes that all keys are to be replaced. */
    public RootBlock beginLeakResponse(long nowSeconds, int leakedEpoch) {
        bytes.putLong(RootLayout.LEAK_SECONDS, nowSeconds);
        bytes.putInt(RootLayout.LEAKED_EPOCH, leakedEpoch);
        return this;
    }

    public RootBlock endLeakResponse() {
        return beginLeakResponse(0, 0);
    }

    public long createdSeconds() {
        return bytes.getLong(RootLayout.CREATED);
    }

    public RootBlock createdSeconds(long seconds) {
        bytes.putLong(RootLayout.CREATED, seconds);
        return this;
    }

    public long committedSeconds() {
        return bytes.getLong(RootLayout.COMMITTED);
    }

    public RootBlock committedSeconds(long seconds) {
        bytes.putLong(RootLayout.COMMITTED, seconds);
        return this;
    }

    public String label() {
        return FixedText.get(bytes, RootLayout.LABEL, RootLayout.LABEL_BYTES);
    }

    public RootBlock label(String label) {
        FixedText.put(bytes, RootLayout.LABEL, RootLayout.LABEL_BYTES, label);
        return this;
    }

    /** Lets a test write a number that no setter would. */
    void putForTest(int offset, short value) {
        bytes.putShort(offset, value);
    }

    private int computeCrc() {
        CRC32C crc = new CRC32C();
        crc.update(image, 0, RootLayout.CRC);
        return (int) crc.getValue();
    }

    private byte[] get(int offset, int length) {
        byte[] value = new byte[length];
        bytes.get(offset, value);
        return value;
    }

    private RootBlock put(int offset, int length, byte[] value) {
        if (value.length != length) {
            throw new IllegalArgumentException(value.length + " bytes for a field of " + length);
        }
        bytes.put(offset, value);
        return this;
    }

    private void require(boolean holds, String field, String found) throws MalformedVolumeException {
        if (!holds) {
            throw new MalformedVolumeException(block, field, found);
        }
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }
}

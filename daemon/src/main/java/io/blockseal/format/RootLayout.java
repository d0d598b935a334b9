package io.blockseal.format;

/** Offsets in a root block, each computed from the one before (docs/format.md, "Root block"). */
final class RootLayout {
    static final int MAGIC = 0;
    static final int MAJOR = MAGIC + Long.BYTES;
    static final int MINOR = MAJOR + Short.BYTES;
    static final int BLOCK_SIZE = MINOR + Short.BYTES;
    static final int UUID = BLOCK_SIZE + Integer.BYTES;
    static final int UUID_BYTES = 16;
    static final int COMMIT_SEQ = UUID + UUID_BYTES;
    static final int INCOMPAT = COMMIT_SEQ + Long.BYTES;
    static final int RO_COMPAT = INCOMPAT + Long.BYTES;
    static final int COMPAT = RO_COMPAT + Long.BYTES;
    static final int SIZE = COMPAT + Long.BYTES;
    static final int RANGE_SHIFT = SIZE + Long.BYTES;
    static final int UNIT_SHIFT = RANGE_SHIFT + Byte.BYTES;
    static final int SUITE = UNIT_SHIFT + Byte.BYTES;
    static final int VK_EPOCH = SUITE + Short.BYTES;
    static final int RANGE_COUNT = VK_EPOCH + Integer.BYTES;
    static final int SLOT_COUNT = RANGE_COUNT + Long.BYTES;
    static final int SPARE_TARGET = SLOT_COUNT + Integer.BYTES;
    static final int DATA_OFFSET = SPARE_TARGET + Integer.BYTES;
    static final int EXTENT_COUNT = DATA_OFFSET + Long.BYTES;
    static final int KEY_SLOT_AREA = EXTENT_COUNT + Short.BYTES;
    static final int PLACEMENT = KEY_SLOT_AREA + Byte.BYTES;
    static final int EXTENTS = PLACEMENT + Byte.BYTES + Integer.BYTES;
    static final int KEY_SLOT_HASH = EXTENTS + MetadataLayout.EXTENTS_MAX * Long.BYTES;
    static final int HASH_BYTES = 32;
    static final int TABLE_ROOT = KEY_SLOT_HASH + HASH_BYTES;
    static final int IDENTITY = TABLE_ROOT + HASH_BYTES;
    static final int IDENTITY_BYTES = 16;
    static final int CREATED = IDENTITY + IDENTITY_BYTES;
    static final int COMMITTED = CREATED + Long.BYTES;
    static final int LABEL = COMMITTED + Long.BYTES;
    static final int LABEL_BYTES = 48;
    static final int PREVIOUS_VK = LABEL + LABEL_BYTES;
    static final int PREVIOUS_VK_BYTES = 40;
    static final int VK_CURSOR = PREVIOUS_VK + PREVIOUS_VK_BYTES;
    static final int LEAK_SECONDS = VK_CURSOR + Long.BYTES;
    static final int LEAKED_EPOCH = LEAK_SECONDS + Long.BYTES;
    static final int RESERVED = LEAKED_EPOCH + Integer.BYTES;
    static final int CRC = MetadataLayout.BLOCK_BYTES - Integer.BYTES;
    static final int MAC = MetadataLayout.BLOCK_BYTES - 64;

    static {
        LayoutCheck.same("root: UUID", UUID, 0x10);
        LayoutCheck.same("root: volume size", SIZE, 0x40);
        LayoutCheck.same("root: data offset", DATA_OFFSET, 0x60);
        LayoutCheck.same("root: extents", EXTENTS, 0x70);
        LayoutCheck.same("root: key slot hash", KEY_SLOT_HASH, 0x270);
        LayoutCheck.same("root: identity tag", IDENTITY, 0x2b0);
        LayoutCheck.same("root: label", LABEL, 0x2d0);
        LayoutCheck.same("root: leak response", LEAK_SECONDS, 0x330);
        LayoutCheck.same("root: reserved", RESERVED, 0x33c);
        LayoutCheck.same("root: MAC", MAC, 0xfc0);
        LayoutCheck.same("root: CRC", CRC, 0xffc);
    }

    private RootLayout() {}
}

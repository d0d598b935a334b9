package io.blockseal.server;

import io.blockseal.block.ExtentMap;
import io.blockseal.block.HotPath;

/**
 * The metadata contexts that a client has selected for its export: {@code base:allocation}, which the device answers, and
 * those of the export, which are answered from memory.
 */
@HotPath("asked by every BLOCK_STATUS")
final class StatusContexts {
    /** None at all: BLOCK_STATUS is not allowed. */
    static final StatusContexts NONE = new StatusContexts(false, new ExtentMap[0], new int[0]);

    private final boolean allocation;
    private final ExtentMap[] maps;
    private final int[] ids;

    /** {@code ids} are what the chunks of {@code maps} are named by. */
    StatusContexts(boolean allocation, ExtentMap[] maps, int[] ids) {
        this.allocation = allocation;
        this.maps = maps;
        this.ids = ids;
    }

    /** Whether BLOCK_STATUS is allowed. */
    boolean any() {
        return allocation || maps.length > 0;
    }

    /** Whether the device is asked. */
    boolean hasAllocation() {
        return allocation;
    }

    int allocationId() {
        return ContextNames.ALLOCATION_ID;
    }

    /** How many are answered from memory. */
    int mapCount() {
        return maps.length;
    }

    ExtentMap map(int index) {
        return maps[index];
    }

    int id(int index) {
        return ids[index];
    }
}

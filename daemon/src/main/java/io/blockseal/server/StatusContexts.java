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

    /** Of what the device answers, among the bits that stand for the contexts. */
    static final long ALLOCATION_BIT = 1;

    private final boolean allocation;
    private final ExtentMap[] maps;
    private final int[] ids;

    /** {@code ids} are what the chunks of {@code maps} are named by. */
    StatusContexts(boolean allocation, ExtentMap[] maps, int[] ids) {
        this.allocation = allocation;
        this.maps = maps;
        this.ids = ids;
    }

    /** How many there are; without one BLOCK_STATUS is not allowed. */
    int count() {
        return maps.length + (allocation ? 1 : 0);
    }

    /** All of them, a bit for each. */
    long all() {
        return (allocation ? ALLOCATION_BIT : 0) | (bitOfMap(maps.length) - bitOfMap(0));
    }

    /** The bit of the context that chunks name like that; 0 if it was not selected. */
    long bitOf(int id) {
        if (allocation && id == ContextNames.ALLOCATION_ID) {
            return ALLOCATION_BIT;
        }
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == id) {
                return bitOfMap(i);
            }
        }
        return 0;
    }

    /** The bit of {@code map(index)}. */
    static long bitOfMap(int index) {
        return ALLOCATION_BIT << (index + 1);
    }

    int allocationId() {
        return ContextNames.ALLOCATION_ID;
    }

    ExtentMap map(int index) {
        return maps[index];
    }

    int id(int index) {
        return ids[index];
    }
}

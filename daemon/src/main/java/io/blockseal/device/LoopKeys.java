package io.blockseal.device;

import io.blockseal.volume.DekCache;

/** One loop's unwrapped DEKs of one device, and how many channels use them. On the loop's thread only. */
final class LoopKeys {
    final DekCache cache;
    int users;

    LoopKeys(DekCache cache) {
        this.cache = cache;
    }
}

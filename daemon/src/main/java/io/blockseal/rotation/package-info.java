/**
 * Floor 6, beside the devices: replaces the DEKs of ranges while guests use them, by copying each range to a spare slot.
 * Knows the volume; knows nothing of devices, loops or clients, whom the volume holds back where that is needed.
 */
@NullMarked
package io.blockseal.rotation;

import org.jspecify.annotations.NullMarked;

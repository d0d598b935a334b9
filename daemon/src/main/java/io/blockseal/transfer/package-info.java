/**
 * Copying whole disks into and out of devices: in pieces, many at a time, leaving zeros unwritten, to be gone on with
 * after an interruption, and proved by a sum. Floor 7: it knows devices from above, and nothing of who asked for it.
 */
@NullMarked
package io.blockseal.transfer;

import org.jspecify.annotations.NullMarked;

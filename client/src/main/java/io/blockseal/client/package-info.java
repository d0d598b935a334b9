/**
 * An NBD client: connects by an address, haggles, and then reads and writes with many requests under way.
 *
 * <p>It stands beside the daemon, on {@code io.blockseal.nbd} and Netty alone, and is usable without it. It must never
 * know a volume, a key or a cipher. One connection lives on one event loop; what the caller sees are futures.
 */
@NullMarked
package io.blockseal.client;

import org.jspecify.annotations.NullMarked;

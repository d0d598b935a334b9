/**
 * Stores on this machine: regular files and raw block devices, buffered or with O_DIRECT. Floor 3.
 *
 * <p>{@link io.blockseal.store.file.FileStores} opens them; {@link io.blockseal.store.file.SystemFile} hides whether the
 * native shim or the JDK makes the calls; {@link io.blockseal.store.file.FileChannelOfLoop} decides which calls an event
 * loop makes itself, which it sends off by a ring and which a pool of threads makes for it.
 */
@NullMarked
package io.blockseal.store.file;

import org.jspecify.annotations.NullMarked;

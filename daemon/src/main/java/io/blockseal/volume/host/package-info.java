/**
 * What this host remembers of volumes beside the volumes themselves: how far each had come, in small files that change
 * atomically.
 */
@NullMarked
package io.blockseal.volume.host;

import org.jspecify.annotations.NullMarked;

/**
 * The key table and its life: create, open, commit, resize, check. Floor 5: it knows the format, the key sources, the
 * engine and the store; it never sees a connection or guest data.
 *
 * <p>Its rooms, each of which may know those after it: {@code header}, {@code check}, this one (an open volume and what can
 * be done to it), {@code slot}, {@code metadata}, {@code host} and {@code table}. What refuses a volume says so by
 * {@link io.blockseal.volume.VolumeRefusedException} in all of them.
 */
@NullMarked
package io.blockseal.volume;

import org.jspecify.annotations.NullMarked;

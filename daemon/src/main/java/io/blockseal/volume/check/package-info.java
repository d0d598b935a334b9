/**
 * Looks at all metadata of a volume, on its stores or while it is served, and says what is wrong with it.
 */
@NullMarked
package io.blockseal.volume.check;

import org.jspecify.annotations.NullMarked;

/**
 * The recovery key: 256 random bits that are printed once, for the day on which every other key is lost. Floor 4: it
 * knows keys and their text, no terminal and no volume.
 */
@NullMarked
package io.blockseal.keysource.recovery;

import org.jspecify.annotations.NullMarked;

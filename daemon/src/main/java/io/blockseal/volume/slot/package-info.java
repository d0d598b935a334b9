/**
 * Key slots: what a key source has wrapped as bytes of a slot, which slots are tried in which order, and what proves that
 * the key which came out is the volume's.
 */
@NullMarked
package io.blockseal.volume.slot;

import org.jspecify.annotations.NullMarked;

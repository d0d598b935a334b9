/**
 * The metadata on its stores: reading both copies and the mirror and choosing between them, the one keeper that commits,
 * and what makes the copies whole again. Of keys it knows the table alone.
 */
@NullMarked
package io.blockseal.volume.metadata;

import org.jspecify.annotations.NullMarked;

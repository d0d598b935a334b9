/**
 * From what an operator wrote to key sources, and from a new key to its place.
 */
@NullMarked
package io.blockseal.app.key;

import org.jspecify.annotations.NullMarked;

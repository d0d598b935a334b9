/**
 * The key table and its life: create, open, commit, resize, check. Floor 5: it knows the format, the key sources, the
 * engine and the store; it never sees a connection or guest data.
 */
@NullMarked
package io.blockseal.volume;

import org.jspecify.annotations.NullMarked;

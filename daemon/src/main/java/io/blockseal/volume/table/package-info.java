/**
 * The key table in memory: what state each range is in, its wrapped DEK, how much was enciphered under it, which slots are
 * free. It knows the format and the engine, and no store.
 */
@NullMarked
package io.blockseal.volume.table;

import org.jspecify.annotations.NullMarked;

/**
 * The header as a file: backup, comparison, restore; and what a header says of each range.
 */
@NullMarked
package io.blockseal.volume.header;

import org.jspecify.annotations.NullMarked;

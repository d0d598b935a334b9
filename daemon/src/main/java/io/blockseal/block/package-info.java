/**
 * The vocabulary of the data path: what a block device, a channel into it and a request are. Floor 1: it knows memory and nothing else.
 */
@NullMarked
package io.blockseal.block;

import org.jspecify.annotations.NullMarked;

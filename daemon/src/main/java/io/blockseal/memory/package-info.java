/**
 * Off-heap memory that holds guest data: where it comes from, how it is lent and given back. Floor 1: it knows nothing of what the bytes mean.
 */
@NullMarked
package io.blockseal.memory;

import org.jspecify.annotations.NullMarked;

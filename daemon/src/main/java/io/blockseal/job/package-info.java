/**
 * Floor 1: long work, and what it and whoever watches it say to each other. Knows nothing of what the work is.
 */
@NullMarked
package io.blockseal.job;

import org.jspecify.annotations.NullMarked;

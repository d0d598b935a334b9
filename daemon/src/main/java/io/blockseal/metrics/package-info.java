/**
 * Counters of the data path, written by event loops without locks and added up when somebody scrapes. Floor 0: it knows no other package.
 */
@NullMarked
package io.blockseal.metrics;

import org.jspecify.annotations.NullMarked;

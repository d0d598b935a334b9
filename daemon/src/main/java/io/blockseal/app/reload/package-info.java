/**
 * A configuration that changes while the daemon runs: what is different, and what is done about it.
 */
@NullMarked
package io.blockseal.app.reload;

import org.jspecify.annotations.NullMarked;

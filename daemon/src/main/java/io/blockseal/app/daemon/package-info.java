/**
 * The daemon, put together from all of it, from its start to its end.
 */
@NullMarked
package io.blockseal.app.daemon;

import org.jspecify.annotations.NullMarked;

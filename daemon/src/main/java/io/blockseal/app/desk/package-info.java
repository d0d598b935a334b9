/**
 * Orders at the control socket, and the jobs that come of them.
 */
@NullMarked
package io.blockseal.app.desk;

import org.jspecify.annotations.NullMarked;

/**
 * The two ends of an import or export, and where a daemon does it.
 */
@NullMarked
package io.blockseal.app.transfer;

import org.jspecify.annotations.NullMarked;

/**
 * Served names: which device stands behind a name and what a client may do with it. Floor 7.
 */
@NullMarked
package io.blockseal.export;

import org.jspecify.annotations.NullMarked;

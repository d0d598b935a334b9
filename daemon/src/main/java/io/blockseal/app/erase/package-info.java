/**
 * A volume destroyed by destroying its keys, and the evidence of it.
 */
@NullMarked
package io.blockseal.app.erase;

import org.jspecify.annotations.NullMarked;

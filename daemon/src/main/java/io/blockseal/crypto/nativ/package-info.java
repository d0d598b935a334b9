/**
 * The engine that runs when it can: libcrypto through the shim, keys in locked memory that Java never sees. Floor 2: it
 * only carries arguments to {@link io.blockseal.shim.Shim} and results back, and knows no algorithm.
 */
@NullMarked
package io.blockseal.crypto.nativ;

import org.jspecify.annotations.NullMarked;

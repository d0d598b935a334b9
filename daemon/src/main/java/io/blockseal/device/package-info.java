/**
 * Layers between a client and a store; the encryption layer is one of them. Floor 6: it knows an open volume's ranges
 * and keys by handle, and never a socket.
 */
@NullMarked
package io.blockseal.device;

import org.jspecify.annotations.NullMarked;

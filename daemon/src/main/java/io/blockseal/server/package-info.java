/**
 * The NBD server: turns bytes from a socket into block requests and back. Floor 8: it uses export, block, memory,
 * metrics and the wire format, and must never know a cipher, a key, a volume or the configuration.
 */
@NullMarked
package io.blockseal.server;

import org.jspecify.annotations.NullMarked;

/**
 * TLS for connections of the NBD server: what is needed to begin it, who the client turned out to be, and why it failed.
 * Floor 8, a part of the server; it gets certificates and keys from above and reads no file.
 */
@NullMarked
package io.blockseal.server.tls;

import org.jspecify.annotations.NullMarked;

/**
 * A KEK on a server that speaks KMIP (OASIS Key Management Interoperability Protocol) 1.2 to 1.4: binary messages over mutual
 * TLS, by a codec of our own that trusts nothing in them. The KEK never leaves the server, and the server never sees a
 * volume key.
 */
@NullMarked
package io.blockseal.keysource.kmip;

import org.jspecify.annotations.NullMarked;

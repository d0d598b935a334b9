/**
 * Limits of the server that need an account of their own: who has how many connections, and when a peer that is silent
 * counts as gone. Knows nothing of NBD, exports or configuration.
 */
@NullMarked
package io.blockseal.server.limit;

import org.jspecify.annotations.NullMarked;

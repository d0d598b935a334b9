/**
 * Limits of the server that need an account of their own: who has how many connections, when a peer that is silent counts
 * as gone, and how soon a connection may begin its next request. Knows nothing of configuration.
 */
@NullMarked
package io.blockseal.server.limit;

import org.jspecify.annotations.NullMarked;

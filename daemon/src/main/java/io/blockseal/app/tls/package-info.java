/**
 * TLS of the daemon as its configuration has it: certificates and pre-shared keys, taken anew when their files
 * change.
 */
@NullMarked
package io.blockseal.app.tls;

import org.jspecify.annotations.NullMarked;

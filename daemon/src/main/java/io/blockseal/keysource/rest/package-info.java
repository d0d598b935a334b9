/**
 * HTTPS to key sources: trust, time limits, patience. It knows no source, and no key.
 */
@NullMarked
package io.blockseal.keysource.rest;

import org.jspecify.annotations.NullMarked;

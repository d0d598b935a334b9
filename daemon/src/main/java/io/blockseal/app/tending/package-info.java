/**
 * What is done again and again for a volume while it is served: its metadata committed, its KEK looked after, its
 * DEKs kept within their policy, a rotation that was broken off resumed.
 */
@NullMarked
package io.blockseal.app.tending;

import org.jspecify.annotations.NullMarked;

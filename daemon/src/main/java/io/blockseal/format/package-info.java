/**
 * Byte layout of roots, key slots and table pages, as {@code docs/format.md} specifies them. Floor 4: encode, decode and
 * verify, and nothing else: no I/O, no key is kept.
 */
@NullMarked
package io.blockseal.format;

import org.jspecify.annotations.NullMarked;

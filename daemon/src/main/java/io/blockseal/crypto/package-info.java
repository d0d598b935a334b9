/**
 * Ciphers, wrapping and derivation behind one engine. Floor 2: it knows no file and no network; keys are handles into the engine's own memory.
 */
@NullMarked
package io.blockseal.crypto;

import org.jspecify.annotations.NullMarked;

/**
 * The bottom of every stack: bytes at offsets, durability and holes. Floor 3: it sees ciphertext only and must never know a key.
 */
@NullMarked
package io.blockseal.store;

import org.jspecify.annotations.NullMarked;

/**
 * The engine of last resort and the oracle of the other: AES from the JDK, XTS composed from it. Floor 2: it needs no
 * native library, and keeps its keys on the Java heap, which it says.
 */
@NullMarked
package io.blockseal.crypto.java;

import org.jspecify.annotations.NullMarked;

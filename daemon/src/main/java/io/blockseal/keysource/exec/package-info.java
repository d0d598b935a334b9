/**
 * A key source that is a program: one JSON document in, one out.
 */
@NullMarked
package io.blockseal.keysource.exec;

import org.jspecify.annotations.NullMarked;

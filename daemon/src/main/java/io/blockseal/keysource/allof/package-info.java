/** Several key sources of which a key slot needs every one. Floor 4: it knows other sources by their interface alone. */
@NullMarked
package io.blockseal.keysource.allof;

import org.jspecify.annotations.NullMarked;

/**
 * JSON between us and key sources outside the process, with keys in it that are wiped. It knows no source.
 */
@NullMarked
package io.blockseal.keysource.json;

import org.jspecify.annotations.NullMarked;

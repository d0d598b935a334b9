/**
 * The only door to native code: keys in locked memory, XTS, wrapping, derivation and file calls, in C.
 *
 * <p>Lowest floor; everybody may use it and it uses nobody. It must never know what a volume, a table or a request is,
 * and it must never be needed: where {@link io.blockseal.shim.ShimLibrary} gives a reason instead of a {@link
 * io.blockseal.shim.Shim}, the daemon runs on its Java engine. The only package that imports jnr-ffi.
 */
@NullMarked
package io.blockseal.shim;

import org.jspecify.annotations.NullMarked;

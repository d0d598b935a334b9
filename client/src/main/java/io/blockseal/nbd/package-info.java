/**
 * The NBD wire format: numbers, layouts and the checks that belong to them; no behaviour and no I/O.
 *
 * <p>It lies below both sides of the protocol, so the server and the client read the same constants. It must never know
 * a socket, a device, a cipher or a key. Decoders never throw for what a peer sent: they answer with a value or with a
 * sentence that says what is wrong. What is written here follows {@code doc/proto.md} of the NBD project and its
 * extended-headers branch; section names in Javadoc are those of that document.
 */
@NullMarked
package io.blockseal.nbd;

import org.jspecify.annotations.NullMarked;

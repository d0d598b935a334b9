/**
 * Key source: a Tang server, which helps whoever reaches it to a key that it never learns (McCallum-Relyea exchange).
 */
@NullMarked
package io.blockseal.keysource.tang;

import org.jspecify.annotations.NullMarked;

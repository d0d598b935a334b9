/**
 * Key source: the transit engine of HashiCorp Vault or OpenBao, under a derived key whose context is the volume.
 */
@NullMarked
package io.blockseal.keysource.vault;

import org.jspecify.annotations.NullMarked;

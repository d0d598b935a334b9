/**
 * KEKs from passphrases by Argon2id. Floor 4: it knows keys and costs, no terminal and no volume.
 */
@NullMarked
package io.blockseal.keysource.passphrase;

import org.jspecify.annotations.NullMarked;

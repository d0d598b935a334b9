/**
 * Where key encryption keys live: wraps and unwraps one volume key for one key slot. Floor 4: it sees secrets and vaults, never a volume's data.
 */
@NullMarked
package io.blockseal.keysource;

import org.jspecify.annotations.NullMarked;

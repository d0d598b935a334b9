/**
 * A key source that is an HSM, a smart card or anything else with a PKCS#11 module: a KEK that never leaves its token.
 */
@NullMarked
package io.blockseal.keysource.pkcs11;

import org.jspecify.annotations.NullMarked;

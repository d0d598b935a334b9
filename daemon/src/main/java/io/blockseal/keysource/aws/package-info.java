/**
 * A KEK in the key management service of AWS: HTTPS by our own client, identities and signatures by the SDK of AWS.
 */
@NullMarked
package io.blockseal.keysource.aws;

import org.jspecify.annotations.NullMarked;

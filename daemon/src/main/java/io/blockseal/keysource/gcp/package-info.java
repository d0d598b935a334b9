/**
 * A KEK in Google Cloud KMS: HTTPS by our own client, identities by Google's auth library.
 */
@NullMarked
package io.blockseal.keysource.gcp;

import org.jspecify.annotations.NullMarked;

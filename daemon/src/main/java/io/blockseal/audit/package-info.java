/**
 * What an auditor must be able to find later: who trusted, refused, restored or repaired what. Floor 0: it knows nothing
 * of volumes or keys; its callers bring words and numbers, never a key, a passphrase or guest data.
 */
@NullMarked
package io.blockseal.audit;

import org.jspecify.annotations.NullMarked;

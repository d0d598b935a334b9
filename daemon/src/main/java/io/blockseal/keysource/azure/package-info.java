/**
 * A KEK in Azure Key Vault or in a Managed HSM: its REST interface, and the identities by which Azure knows a machine.
 */
@NullMarked
package io.blockseal.keysource.azure;

import org.jspecify.annotations.NullMarked;

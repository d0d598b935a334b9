/**
 * What an operator wrote, as immutable records: the YAML file and the values that the command line shares with it.
 * Floor 0; read by {@code app} only: everybody else gets constructor arguments. It must never hold a secret, only where
 * one is to be found.
 */
@NullMarked
package io.blockseal.config;

import org.jspecify.annotations.NullMarked;

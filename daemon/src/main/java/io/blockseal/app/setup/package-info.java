/**
 * What is decided once, before anything is opened: environment, native library, log, how stores are opened; and what
 * takes it down again.
 */
@NullMarked
package io.blockseal.app.setup;

import org.jspecify.annotations.NullMarked;

/**
 * The volumes that a daemon serves: how each is opened, at once or later, ended and erased.
 */
@NullMarked
package io.blockseal.app.served;

import org.jspecify.annotations.NullMarked;

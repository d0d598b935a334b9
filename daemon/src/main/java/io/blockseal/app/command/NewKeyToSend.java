package io.blockseal.app.command;

import io.blockseal.app.key.NewKey;
import io.blockseal.control.Arguments;

/**
 * A new key on its way to a daemon.
 *
 * @param key what was made for it, to be shown or discarded here
 * @param arguments the group with its bytes, which its taker closes
 */
record NewKeyToSend(NewKey key, Arguments arguments) {}

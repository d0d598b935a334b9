/**
 * The process on its host: signals, sockets that were handed to it, those on which systemd and the log of the system
 * listen.
 */
@NullMarked
package io.blockseal.app.host;

import org.jspecify.annotations.NullMarked;

/**
 * Access lists: which of the clients that can reach us may open an export, and whether they may write. Floor 8; knows who
 * a client is from below and gets the rules from above. It touches no socket and no device.
 */
@NullMarked
package io.blockseal.access;

import org.jspecify.annotations.NullMarked;

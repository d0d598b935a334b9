/**
 * How the command line ends and speaks: exit codes, messages, progress, what a terminal is asked.
 */
@NullMarked
package io.blockseal.app.console;

import org.jspecify.annotations.NullMarked;

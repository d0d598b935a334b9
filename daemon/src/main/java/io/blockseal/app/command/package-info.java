/**
 * One class per verb of the command line: what it accepts, what it prints. Floor 9; private to {@code app}. A verb reads
 * options and calls the floors below; it holds no rule of its own about volumes or keys.
 */
@NullMarked
package io.blockseal.app.command;

import org.jspecify.annotations.NullMarked;

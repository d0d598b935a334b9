/**
 * The command line, the wiring of the house, and the process: signals, terminal, environment, exit codes. Floor 9: it
 * may use everything, and nothing may use it. The one place that reads configuration and environment.
 */
@NullMarked
package io.blockseal.app;

import org.jspecify.annotations.NullMarked;

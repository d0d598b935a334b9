package io.blockseal.app.reload;

import io.blockseal.app.console.CommandException;
import io.blockseal.config.ConfigException;
import io.blockseal.config.DaemonConfig;

/** Where a daemon's configuration is read from, again and again. */
@FunctionalInterface
public interface ConfigSource {
    /** All of it, checked. */
    DaemonConfig read() throws CommandException, ConfigException;
}

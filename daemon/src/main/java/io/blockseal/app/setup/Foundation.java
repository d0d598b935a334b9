package io.blockseal.app.setup;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Version;
import io.blockseal.config.EngineChoice;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.EngineSelection;
import io.blockseal.crypto.EngineSelection.Wanted;
import io.blockseal.crypto.EngineUnavailableException;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.file.FileStores;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What everything stands on, decided once at start: the native library if there is one, the cipher engine, where
 * buffers come from, how files are opened. Laying it also makes the process undumpable.
 *
 * @param engine where the keys are
 * @param memory where buffers come from
 * @param files how stores are opened
 */
public record Foundation(CryptoEngine engine, MemorySource memory, FileStores files) implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Foundation.class);
    private static final int KEYS_BESIDE_THE_CACHE = 8192;

    /**
     * Lays it, with room for {@code cachedKeys} DEKs.
     *
     * @throws CommandException if the engine that is asked for is not there, or keeps keys worse than demanded
     */
    public static Foundation lay(EngineChoice choice, boolean requireLockedKeys, int cachedKeys)
            throws CommandException {
        ShimLibrary library = ShimLibrary.open(cachedKeys + KEYS_BESIDE_THE_CACHE, 0);
        Shim shim = library.shim();
        if (shim != null && shim.setUndumpable() != 0) {
            LOG.warn("the system refused to exclude this process from core dumps");
        }
        if (shim != null && shim.xtsEngine() == Shim.XTS_DISTRUSTED) {
            LOG.warn("the fast XTS code gave another answer than libcrypto on this processor and is off; data is safe,"
                    + " but look at the hardware, and at the hypervisor if there is one");
        }
        EngineSelection selection;
        try {
            selection = EngineSelection.select(Wanted.valueOf(choice.name()), requireLockedKeys, library);
        } catch (EngineUnavailableException refused) {
            throw new CommandException(ExitCode.FAILURE, String.valueOf(refused.getMessage()), refused);
        }
        CryptoEngine engine = selection.engine();
        LOG.info(
                "blockseal version={} engine=\"{}\" keys={}: {}; engine {}",
                Version.text(),
                engine.description(),
                engine.protection().word(),
                engine.protection().explanation(),
                selection.reason());
        MemorySource memory = selection.memory();
        // The shim's file calls need buffers with addresses, which only its own memory has.
        FileStores files = shim == null || memory instanceof JvmMemorySource
                ? FileStores.withJdk(memory)
                : FileStores.withShim(shim, memory);
        return new Foundation(engine, memory, files);
    }

    /**
     * Keeps all of the process in memory, from now on.
     *
     * @throws CommandException if the system does not allow it
     */
    public static void lockMemory() throws CommandException {
        Shim shim = ShimLibrary.open().shim();
        if (shim == null) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "lock-memory needs the native library: "
                            + ShimLibrary.open().reason());
        }
        int result = shim.lockProcess();
        if (result != 0) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "lock-memory: the system refused to lock all memory of the daemon (" + ShimError.describe(result)
                            + ")\n  Java reserves far more than it uses, so the limit has to be LimitMEMLOCK=infinity in the"
                            + " systemd unit, or ulimit -l unlimited.");
        }
        LOG.info("lock-memory: all of the daemon stays in memory");
    }

    /** Wipes every key. */
    @Override
    public void close() {
        engine.close();
    }
}

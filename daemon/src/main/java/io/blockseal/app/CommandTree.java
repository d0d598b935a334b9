package io.blockseal.app;

import io.blockseal.app.command.AuditCommand;
import io.blockseal.app.command.CheckCommand;
import io.blockseal.app.command.CreateCommand;
import io.blockseal.app.command.DmTableCommand;
import io.blockseal.app.command.EraseCommand;
import io.blockseal.app.command.ExportCommand;
import io.blockseal.app.command.HeaderCommand;
import io.blockseal.app.command.ImportCommand;
import io.blockseal.app.command.InfoCommand;
import io.blockseal.app.command.JobCommand;
import io.blockseal.app.command.KeyCommand;
import io.blockseal.app.command.LockCommand;
import io.blockseal.app.command.ReloadCommand;
import io.blockseal.app.command.ResizeCommand;
import io.blockseal.app.command.RespondLeakCommand;
import io.blockseal.app.command.RootCommand;
import io.blockseal.app.command.RotateDekCommand;
import io.blockseal.app.command.RotateKekCommand;
import io.blockseal.app.command.RotateVolumeKeyCommand;
import io.blockseal.app.command.ServeCommand;
import io.blockseal.app.command.ShredCommand;
import io.blockseal.app.command.StatusCommand;
import io.blockseal.app.command.UnlockCommand;
import io.blockseal.app.console.Failures;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;

/**
 * The verbs and their names. Only the verb that is asked for is made: reading the options of all of them by reflection
 * would take a tenth of a second of every start.
 */
final class CommandTree {
    private static final Map<String, Supplier<Object>> VERBS = verbs();

    private CommandTree() {}

    private static Map<String, Supplier<Object>> verbs() {
        Map<String, Supplier<Object>> verbs = new LinkedHashMap<>();
        verbs.put("create", CreateCommand::new);
        verbs.put("serve", ServeCommand::new);
        verbs.put("status", StatusCommand::new);
        verbs.put("reload", ReloadCommand::new);
        verbs.put("job", JobCommand::new);
        verbs.put("info", InfoCommand::new);
        verbs.put("check", CheckCommand::new);
        verbs.put("key", KeyCommand::new);
        verbs.put("lock", LockCommand::new);
        verbs.put("unlock", UnlockCommand::new);
        verbs.put("rotate-kek", RotateKekCommand::new);
        verbs.put("rotate-volume-key", RotateVolumeKeyCommand::new);
        verbs.put("respond-leak", RespondLeakCommand::new);
        verbs.put("rotate-dek", RotateDekCommand::new);
        verbs.put("shred", ShredCommand::new);
        verbs.put("resize", ResizeCommand::new);
        verbs.put("import", ImportCommand::new);
        verbs.put("export", ExportCommand::new);
        verbs.put("header", HeaderCommand::new);
        verbs.put("erase", EraseCommand::new);
        verbs.put("dm-table", DmTableCommand::new);
        verbs.put("audit", AuditCommand::new);
        return verbs;
    }

    /** The command line that understands these arguments: with one verb if they begin with one, else with all. */
    static CommandLine forArguments(String... arguments) {
        Supplier<Object> verb = arguments.length == 0 ? null : VERBS.get(arguments[0]);
        return verb == null ? complete() : line(Map.of(arguments[0], verb));
    }

    /** The command line with every verb. */
    static CommandLine complete() {
        return line(VERBS);
    }

    private static CommandLine line(Map<String, Supplier<Object>> verbs) {
        CommandLine line = new CommandLine(new RootCommand());
        verbs.forEach((name, verb) -> line.addSubcommand(name, verb.get()));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setAbbreviatedOptionsAllowed(false);
        line.setUsageHelpWidth(100);
        line.setUsageHelpLongOptionsMaxWidth(34);
        abbreviateSynopsis(line);
        // An argument that begins with @ is a file's name like any other; @-files could carry secrets into argv.
        line.setExpandAtFiles(false);
        line.setExecutionExceptionHandler(Failures::report);
        line.setParameterExceptionHandler(Failures::reportUsage);
        return line;
    }

    /** The options are listed below anyway; a synopsis of nine lines tells nobody anything. */
    private static void abbreviateSynopsis(CommandLine line) {
        line.getCommandSpec().usageMessage().abbreviateSynopsis(true);
        line.getSubcommands().values().forEach(CommandTree::abbreviateSynopsis);
    }
}

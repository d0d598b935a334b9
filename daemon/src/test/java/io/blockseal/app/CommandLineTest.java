package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class CommandLineTest {
    @TempDir
    private Path directory;

    static Stream<CommandLine> everyCommand() {
        List<CommandLine> all = new ArrayList<>();
        collect(CommandTree.complete(), all);
        return all.stream();
    }

    private static void collect(CommandLine line, List<CommandLine> into) {
        into.add(line);
        line.getSubcommands().values().forEach(each -> collect(each, into));
    }

    @ParameterizedTest
    @MethodSource("everyCommand")
    void showsExamplesInItsHelpThatParse(CommandLine command) {
        String help = command.getUsageMessage();
        List<String> examples = help.lines()
                .filter(line -> line.startsWith("  blockseal "))
                .map(line -> line.strip().substring("blockseal ".length()))
                .toList();
        String name = command.getCommandSpec().qualifiedName(" ");
        // Lines that somebody broke by hand must not be broken once more.
        for (String line : command.getCommandSpec().usageMessage().footer()) {
            assertTrue(line.length() < 100, name + ": too long for a line of help: " + line);
        }
        assertFalse(examples.isEmpty(), name + " has no example: " + help);
        for (String example : examples) {
            String[] words = example.split(" ");
            CommandLine.ParseResult parsed = CommandTree.forArguments(words).parseArgs(words);
            assertTrue(parsed.hasSubcommand(), example);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    serve x.bsl --unixx s                          | Possible solutions: --unix
                    servve x.bsl                                   | Did you mean: blockseal serve
                    key ad x.bsl                                   | Did you mean: key add?
                    serve x.bsl --key-file k                       | nothing to listen on
                    serve --unix s                                 | no volume is named
                    serve x.bsl --unix s                           | no key is named
                    serve x.bsl --unix s --key-fd x                | --key-fd: 'x' is not a file descriptor
                    serve x.bsl --unix s --credential ../k         | is not a credential's name
                    serve x.bsl --listen 0.0.0.0:1 --key-file k    | --insecure-plaintext
                    serve x.bsl --listen nowhere --key-file k      | --listen: 'nowhere' is not an address
                    serve a b --unix s --key-file k --key-fd 3     | 2 keys for 2 volumes
                    serve x.bsl --unix s --key-file k --passphrase | --passphrase beside other keys
                    key priority x.bsl --slot 1 --priority soon    | 'soon' is none of: first, normal, on-request
                    key priority x.bsl --slot 16 --priority first  | key slots 0 to 15
                    key add x.bsl --key-file k --priority 2        | '2' is none of
                    serve a b c --unix s --key-file k --key-file l | 2 keys for 3 volumes
                    serve a b --unix s --key-file k --name n       | --name is given 1 times for 2 volumes
                    serve a/x.bsl b/x.bsl --unix s --key-file k    | export name 'x' is taken
                    serve x.bsl --unix s --key-file k --engine gpu | Invalid value for option '--engine'
                    serve x.bsl --unix s --key-file k --buffers 1M | at least 40M
                    serve x.bsl --unix s --key-file k --key-slot 16| key slots 0 to 15
                    serve x.bsl --config c.yaml                    | --config takes everything from the file
                    serve --check-config                           | --check-config needs --config
                    info x.bsl --ranges --since yesterday          | --since: 'yesterday' is not a day such as
                    rotate-dek x.bsl --made-before yesterday       | is neither a day such as 2026-11-26 nor a time
                    rotate-dek x.bsl --made-before 2026-13-26      | is neither a day such as 2026-11-26 nor a time
                    create                                         | Missing required parameter
                    create x.bsl --size 1G                         | no key is named
                    key add x.bsl --key-file k                     | no new key is named
                    resize x.bsl --key-file k                      | Missing required option: '--size=SIZE'
                    """)
    void saysWhatIsWrongWithACommandLineAndEndsWithTwo(String command, String words) {
        Cli.Result refused = new Cli(directory).run(command.strip().split(" +"));
        assertEquals(ExitCode.USAGE.number(), refused.exitCode(), refused.all());
        assertTrue(refused.err().contains(words.strip()), refused.err());
        assertTrue(refused.out().isEmpty(), refused.out());
    }

    /** Whoever mistypes a name is not asked for a key first. */
    @Test
    void looksForTheVolumeBeforeItAsksForAKey() {
        for (String command :
                new String[] {"rotate-dek nosuch --all", "shred nosuch --range 0", "key add nosuch --new-key-file k"}) {
            new Cli(directory)
                    .refused(
                            ExitCode.FAILURE,
                            "nosuch: no such file, and no daemon that could be asked",
                            command.split(" "));
        }
    }

    @Test
    void endsWithSixForAConfigurationThatIsWrongAndNamesTheLine() throws Exception {
        Cli cli = new Cli(directory);
        Files.writeString(cli.path("c.yaml"), "unix: s\nvolums: []\n");
        Cli.Result refused = cli.run("serve", "--config", "./c.yaml", "--check-config");
        assertEquals(ExitCode.CONFIG.number(), refused.exitCode());
        assertTrue(refused.err().contains("c.yaml:2:1: unknown key 'volums'"), refused.err());
        assertTrue(refused.err().contains("Did you mean 'volumes'?"), refused.err());
    }

    @Test
    void checksTheSampleConfigurationWithoutServingIt() throws Exception {
        Cli cli = new Cli(directory);
        Path sample = Path.of("..", "config", "blockseal.yaml");
        Cli.Result alone = cli.run("serve", "--config", sample.toString(), "--check-config");
        assertEquals(ExitCode.CONFIG.number(), alone.exitCode(), alone.err());
        assertTrue(alone.err().contains("export 'demo': demo.bsl: no such file"), alone.err());
        assertTrue(alone.err().contains("export 'demo': key file demo.key does not exist"), alone.err());

        cli.ok("create", "./demo.bsl", "--size", "32M", "--key-file", "./demo.key");
        Files.writeString(
                cli.path("c.yaml"),
                Files.readString(sample)
                        .replace(" demo.bsl", " " + cli.path("demo.bsl"))
                        .replace(" demo.key", " " + cli.path("demo.key")));
        Cli.Result right = cli.run("serve", "--config", "./c.yaml", "--check-config");
        assertEquals(0, right.exitCode(), right.err());
        assertTrue(right.out().contains("the configuration is right"));
    }

    @Test
    void takesNoSecretAsAnArgument() {
        // An option whose value is the secret itself would show in ps for everybody.
        everyCommand().forEach(command -> command.getCommandSpec().options().forEach(option -> {
            boolean secretLike = option.longestName().matches("--(new-)?(passphrase|key|password|recovery-key)");
            assertTrue(!secretLike || option.arity().max() == 0, option.longestName() + " takes a value");
        }));
    }

    @Test
    void documentsEveryExitCode() throws Exception {
        String docs = Files.readString(Path.of("..", "docs", "errors.md"));
        String help = CommandTree.complete().getUsageMessage();
        for (ExitCode code : ExitCode.values()) {
            assertTrue(docs.contains("| " + code.number() + " | " + code.meaning()), "docs/errors.md lacks " + code);
            assertTrue(help.contains("  " + code.number() + "   " + code.meaning()), "--help lacks " + code);
        }
    }
}

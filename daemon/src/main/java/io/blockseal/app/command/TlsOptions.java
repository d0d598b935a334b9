package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.config.TlsConfig;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** With what the connections of clients are protected. */
public final class TlsOptions {
    @Option(
            names = "--tls-mode",
            paramLabel = "MODE",
            description = "auto: with a certificate or a psk-file TLS is required beyond loopback and can be had"
                    + " elsewhere; off, optional, or required on TCP (default: ${DEFAULT-VALUE}).",
            defaultValue = "auto")
    private String mode = "auto";

    @Option(
            names = "--tls-certificate",
            paramLabel = "FILE",
            description = "Our certificate in PEM, followed by those that signed it; taken anew when it changes.")
    private @Nullable Path certificate;

    @Option(
            names = "--tls-key",
            paramLabel = "FILE",
            description = "Its private key in PEM, readable for this user alone.")
    private @Nullable Path key;

    @Option(
            names = "--tls-client-ca",
            paramLabel = "FILE",
            description = "Only let in clients whose certificate was signed by one of these, in PEM.")
    private @Nullable Path clientAuthorities;

    @Option(
            names = "--tls-verify-clients",
            paramLabel = "true|false",
            arity = "1",
            description = "false: let in clients without a certificate, too (default: true with --tls-client-ca).")
    private @Nullable Boolean verifyClients;

    @Option(
            names = "--tls-psk-file",
            paramLabel = "FILE",
            description = "Names of clients and the keys that they share with us, as psktool writes them;"
                    + " readable for this user alone, taken anew when it changes.")
    private @Nullable Path pskFile;

    /** As it stands in a configuration. */
    TlsConfig config() throws CommandException {
        List<String> words =
                Arrays.stream(TlsConfig.Mode.values()).map(TlsConfig.Mode::word).toList();
        int at = words.indexOf(mode);
        if (at < 0) {
            throw new CommandException(
                    ExitCode.USAGE, "--tls-mode: '" + mode + "' is none of: " + String.join(", ", words));
        }
        boolean verify = verifyClients == null ? clientAuthorities != null : verifyClients;
        return new TlsConfig(TlsConfig.Mode.values()[at], certificate, key, clientAuthorities, verify, pskFile);
    }
}

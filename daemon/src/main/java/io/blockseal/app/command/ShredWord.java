package io.blockseal.app.command;

import io.blockseal.config.ShredPolicy;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code on-discard}, {@code manual} or {@code off}, as in the configuration file. */
final class ShredWord implements ITypeConverter<ShredPolicy> {
    @Override
    public ShredPolicy convert(String word) {
        return Arrays.stream(ShredPolicy.values())
                .filter(policy ->
                        policy.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(word))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + word + "' is none of: on-discard, manual, off"));
    }
}

package io.blockseal.app.command;

import io.blockseal.format.KeySlotPriority;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** When a key slot is tried, as operators write it: {@code on-request}. */
final class PriorityWord implements ITypeConverter<KeySlotPriority> {
    @Override
    public KeySlotPriority convert(String word) {
        try {
            return KeySlotPriority.ofWord(word);
        } catch (IllegalArgumentException wrong) {
            throw new TypeConversionException(wrong.getMessage());
        }
    }
}

package io.blockseal.config;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** Ages as operators write them: a whole number of days, hours or minutes. */
public final class Age {
    private Age() {}

    /**
     * The duration of {@code 90d}, {@code 12h} or {@code 30m}.
     *
     * @throws IllegalArgumentException with a message that says what was found and what is expected
     */
    public static Duration parse(String text) {
        int end = text.length() - 1;
        try {
            long number = Long.parseLong(text, 0, Math.max(0, end), 10);
            ChronoUnit unit =
                    switch (text.charAt(end)) {
                        case 'd' -> ChronoUnit.DAYS;
                        case 'h' -> ChronoUnit.HOURS;
                        case 'm' -> ChronoUnit.MINUTES;
                        default -> throw new NumberFormatException("no unit");
                    };
            if (number >= 0) {
                return Duration.of(number, unit);
            }
        } catch (NumberFormatException | IndexOutOfBoundsException | ArithmeticException wrong) {
            throw new IllegalArgumentException(noAge(text), wrong);
        }
        throw new IllegalArgumentException(noAge(text));
    }

    private static String noAge(String text) {
        return "'" + text + "' is not an age: a number of days, hours or minutes, such as 90d, 12h, 30m";
    }
}

package io.blockseal.app.command;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.regex.Pattern;

/** Days and moments as operators write them (RFC 3339); a day begins in UTC. */
final class Days {
    private static final Pattern DAY = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}");

    private Days() {}

    /**
     * When that is: a day's beginning, or a moment with its offset from UTC.
     *
     * @throws DateTimeException if it is neither
     */
    static Instant moment(String text) {
        return DAY.matcher(text).matches()
                ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
                : OffsetDateTime.parse(text).toInstant();
    }
}

package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What a person reads when something is wrong: what it is, where, and what to do; never where in the program. */
final class Complaint {
    private Complaint() {}

    /** Insists on this exit code, on words that a person needs, and on a message that was written for people. */
    static void expect(Tool.Result result, int exit, Object... words) {
        assertEquals(exit, result.exit(), result::all);
        assertTrue(result.out().isEmpty(), () -> "complaints belong on stderr: " + result.out());
        for (Object word : words) {
            assertTrue(
                    result.err().contains(word.toString()), () -> "not said: " + word + "\nbut this:\n" + result.err());
        }
        readable(result.all());
    }

    /** Insists that nothing printed was meant for programmers. */
    static void readable(String printed) {
        assertFalse(printed.contains("\tat ") || printed.contains("Exception"), () -> "a stack trace:\n" + printed);
        assertFalse(printed.contains("internal error"), printed);
    }
}

package io.blockseal.format;

/** Checks, when a layout class is loaded, that its constants add up; a mistake there must not reach a disk. */
final class LayoutCheck {
    private LayoutCheck() {}

    static void same(String what, long found, long expected) {
        if (found != expected) {
            throw new AssertionError(what + ": " + found + ", not " + expected);
        }
    }

    static void atMost(String what, long found, long most) {
        if (found > most) {
            throw new AssertionError(what + ": " + found + " is more than " + most);
        }
    }
}

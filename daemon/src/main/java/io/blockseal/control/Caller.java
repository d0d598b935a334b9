package io.blockseal.control;

/**
 * Who is at the other end of a connection, as the kernel says.
 *
 * @param uid the user
 * @param pid the process
 */
public record Caller(int uid, int pid) {
    /** Whether it is the user of that number, or root. */
    public boolean isRootOr(int user) {
        return uid == 0 || uid == user;
    }
}

/*
 * io-flusher COMMAND [ARGUMENT...]: runs the command as a process that writes for the rest of the system.
 *
 * A disk whose client is on the daemon's own host can stand still for ever when memory is short: the kernel waits for
 * the daemon to write dirty pages, and the daemon waits for memory that the kernel frees by writing them. To a process
 * marked by PR_SET_IO_FLUSHER (Linux 5.6) the kernel gives memory without waiting for writes, and it does not slow it
 * down for what others have made dirty. The mark is each thread's own and goes on to threads and programs that it starts,
 * so it has to be there before Java starts its first thread: hence a program of its own, which scripts/blockseal runs.
 *
 * The mark takes CAP_SYS_RESOURCE, which the unit for systemd can pass on as an ambient capability; that ends here. The
 * command finds in BLOCKSEAL_IO_FLUSHER how it went: "on"; "refused", without the capability; "unknown", to a kernel that
 * is too old. Without the mark it is run all the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER /* in the kernel's headers since 5.6 */
#define PR_SET_IO_FLUSHER 57
#endif

int main(int count, char **words) {
    if (count < 2) {
        fprintf(stderr, "usage: io-flusher COMMAND [ARGUMENT...]\n");
        return 2;
    }
    const char *state = "on";
    if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0) {
        state = errno == EPERM ? "refused" : "unknown";
    }
    /* Where there is none this changes nothing; a kernel that knows no ambient capabilities has none to drop. */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (setenv("BLOCKSEAL_IO_FLUSHER", state, 1) != 0) {
        fprintf(stderr, "io-flusher: %s\n", strerror(errno));
        return 126;
    }
    execvp(words[1], words + 1);
    int error = errno;
    fprintf(stderr, "io-flusher: cannot run %s: %s\n", words[1], strerror(error));
    return error == ENOENT ? 127 : 126;
}

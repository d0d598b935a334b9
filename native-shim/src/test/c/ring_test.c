/* Rings: what comes back is what was asked for, whatever the kernel is able to do; and nothing is lost when it refuses. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ENTRIES = 8, BLOCK = 4096 };

static int64_t done[2 * ENTRIES];

/* Waits for the eventfd until `count` requests are done, in whatever order, and puts results[tag]. */
static void collect(int64_t ring, int count, int64_t *results) {
    while (count > 0) {
        int got = bs_ring_reap(ring, ADDRESS(done), ENTRIES);
        CHECK(got >= 0 && got <= count);
        for (int i = 0; i < got; i++) {
            results[done[2 * i]] = done[2 * i + 1];
        }
        count -= got;
        if (count > 0) {
            struct pollfd event = {.fd = bs_ring_event(ring), .events = POLLIN};
            CHECK(poll(&event, 1, 30000) == 1);
            uint64_t signals;
            CHECK(read(event.fd, &signals, sizeof signals) == sizeof signals || errno == EAGAIN);
        }
    }
}

static void reads_what_it_wrote(int64_t ring, char *memory) {
    int64_t results[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
        memset(memory + i * BLOCK, 'a' + i, BLOCK);
        CHECK((i % 2 == 0 ? bs_ring_write : bs_ring_write_dsync)(ring, ADDRESS(memory + i * BLOCK), BLOCK, i * BLOCK,
                                                                 i) == 0);
    }
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, 0, 0) == -EBUSY);
    CHECK(bs_ring_close(ring) == -EBUSY);
    CHECK(bs_ring_submit(ring) == 0 && bs_ring_submit(ring) == 0);
    CHECK(bs_ring_close(ring) == -EBUSY);
    collect(ring, ENTRIES, results);
    for (int i = 0; i < ENTRIES; i++) {
        CHECK(results[i] == BLOCK);
    }
    memset(memory, 0, ENTRIES * BLOCK);
    for (int i = 0; i < ENTRIES; i++) {
        CHECK(bs_ring_read(ring, ADDRESS(memory + i * BLOCK), BLOCK, (ENTRIES - 1 - i) * BLOCK, i) == 0);
    }
    CHECK(bs_ring_submit(ring) == 0);
    collect(ring, ENTRIES, results);
    for (int i = 0; i < ENTRIES; i++) {
        CHECK(results[i] == BLOCK && memory[i * BLOCK] == 'a' + ENTRIES - 1 - i);
        CHECK(memcmp(memory + i * BLOCK, memory + i * BLOCK + 1, BLOCK - 1) == 0);
    }
}

static void tells_what_went_wrong(int64_t ring, char *memory) {
    int64_t results[ENTRIES];
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, -1, 0) == -EINVAL);
    CHECK(bs_ring_write(ring, ADDRESS(memory), -1, 0, 0) == -EINVAL);
    CHECK(bs_ring_write_dsync(ring, ADDRESS(memory), (int64_t)INT32_MAX + 1, 0, 0) == -EINVAL);
    CHECK(bs_ring_reap(ring, ADDRESS(done), ENTRIES) == 0);
    /* Past the end, over the end, into nowhere, and one that is right in between. */
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, 2 * ENTRIES * BLOCK, 0) == 0);
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, ENTRIES * BLOCK - 512, 1) == 0);
    CHECK(bs_ring_read(ring, 4096, BLOCK, 0, 2) == 0);
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, 0, 3) == 0);
    CHECK(bs_ring_submit(ring) == 0);
    collect(ring, 4, results);
    CHECK(results[0] == 0 && results[1] == 512 && results[2] == -EFAULT && results[3] == BLOCK);
}

static void refusals(int32_t fd) {
    CHECK(bs_ring_open(fd, 0, 0) == -EINVAL && bs_ring_open(fd, 1 << 20, 0) == -EINVAL);
    CHECK(bs_ring_open(-1, ENTRIES, 0) == -EBADF);
    /* As much as the process has open already: no descriptor is left for the ring, then none for its eventfd. */
    struct rlimit before, tight;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    int next = dup(fd);
    CHECK(next >= 0 && close(next) == 0);
    for (int more = 0; more < 2; more++) {
        tight = before;
        tight.rlim_cur = (rlim_t)(next + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
        int64_t refused = bs_ring_open(fd, ENTRIES, 0);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK(refused == -EMFILE);
    }
    next = dup(fd);
    CHECK(next >= 0 && close(next) == 0);
}

/* The descriptor of a ring whose eventfd is known: it was opened just before that. */
static int descriptor_of(int64_t ring) {
    char name[64], target[64];
    int descriptor = bs_ring_event(ring) - 1;
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, target, sizeof target - 1);
    CHECK(length > 0);
    target[length] = 0;
    CHECK(strcmp(target, "anon_inode:[io_uring]") == 0);
    return descriptor;
}

/* The kernel takes nothing for a while: what was noted is handed back, and afterwards all goes on. */
static void forgets_what_is_refused(int64_t ring, char *memory) {
    int64_t results[ENTRIES];
    int descriptor = descriptor_of(ring), kept = dup(descriptor), null = open("/dev/null", O_RDONLY);
    CHECK(kept >= 0 && null >= 0 && dup2(null, descriptor) == descriptor);
    for (int i = 0; i < 3; i++) {
        CHECK(bs_ring_write(ring, ADDRESS(memory), BLOCK, 0, i) == 0);
    }
    CHECK(bs_ring_submit(ring) == 3 && bs_ring_submit(ring) == 0);
    CHECK(bs_ring_reap(ring, ADDRESS(done), ENTRIES) == 0);
    CHECK(dup2(kept, descriptor) == descriptor && close(kept) == 0 && close(null) == 0);
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, 0, 5) == 0 && bs_ring_submit(ring) == 0);
    collect(ring, 1, results);
    CHECK(done[0] == 5 && results[5] == BLOCK);
}

/* What a ring has on its way outlives every descriptor of the file, and so must the lock that keeps others out. */
static void keeps_the_lock_of_its_file(void) {
    char path[] = "/tmp/blockseal-ring-lock-XXXXXX";
    int32_t fd = mkstemp(path), other = bs_open(ADDRESS(path), BS_OPEN_WRITE);
    int64_t ring = bs_ring_open(fd, ENTRIES, 0);
    CHECK(fd >= 0 && other >= 0 && ring > 0);
    CHECK(bs_lock(fd, 0) == 0 && close(fd) == 0);
    CHECK(bs_lock(other, 0) == -EWOULDBLOCK && bs_lock(other, 1) == -EWOULDBLOCK);
    CHECK(bs_ring_close(ring) == 0);
    int result = -EWOULDBLOCK;
    for (int tries = 0; tries < 30000 && result == -EWOULDBLOCK; tries++) {
        result = bs_lock(other, 0);
        poll(NULL, 0, 1);
    }
    CHECK(result == 0);
    CHECK(close(other) == 0 && unlink(path) == 0);
}

void test_rings(void) {
    char path[] = "/tmp/blockseal-ring-test-XXXXXX";
    int32_t fd = mkstemp(path);
    CHECK(fd >= 0);
    unlink(path);
    int64_t ring = bs_ring_open(fd, ENTRIES, 0);
    if (ring == -ENOSYS || ring == -EPERM || ring == -ENOMEM) {
        printf("shim_test: rings skipped, because io_uring is refused here: %s\n", strerror((int)-ring));
        close(fd);
        return;
    }
    CHECK(ring > 0 && bs_ring_entries(ring) == ENTRIES);
    CHECK(bs_ring_close(ring) == 0);
    refusals(fd);
    keeps_the_lock_of_its_file();
    char *memory = calloc(ENTRIES, BLOCK);
    for (int32_t flags = 0; flags <= BS_RING_PLAIN; flags++) {
        ring = bs_ring_open(fd, ENTRIES, flags);
        CHECK(ring > 0);
        for (int round = 0; round < 3; round++) {
            reads_what_it_wrote(ring, memory);
            tells_what_went_wrong(ring, memory);
            forgets_what_is_refused(ring, memory);
        }
        CHECK(bs_ring_close(ring) == 0);
    }
    /* A ring keeps its file, whatever becomes of the number. */
    ring = bs_ring_open(fd, ENTRIES, 0);
    int other = open("/dev/null", O_RDONLY);
    CHECK(ring > 0 && other >= 0 && dup2(other, fd) == fd);
    int64_t result;
    CHECK(bs_ring_read(ring, ADDRESS(memory), BLOCK, 0, 0) == 0 && bs_ring_submit(ring) == 0);
    collect(ring, 1, &result);
    CHECK(result == BLOCK && memory[0] == 'a');
    CHECK(bs_ring_close(ring) == 0 && close(other) == 0 && close(fd) == 0);
    free(memory);
}

/* Pages for guest data, randomness, wiping and comparing, and the process-wide switch against core dumps. */
#define _GNU_SOURCE
#include "shim.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int64_t bs_map(int64_t length, int32_t flags) {
    if (length < 1) {
        return -EINVAL;
    }
    int populate = (flags & BS_MAP_PREFAULT) != 0 ? MAP_POPULATE : 0;
    void *memory = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    bool lock_it = (flags & BS_MAP_LOCK) != 0;
    if (madvise(memory, (size_t)length, MADV_DONTDUMP) != 0 ||
        (lock_it && syscall(SYS_mlock2, memory, (size_t)length, 0) != 0)) {
        int error = errno;
        munmap(memory, (size_t)length);
        return -error;
    }
    return (int64_t)(uintptr_t)memory;
}

enum { HUGE_PAGE = 2 << 20 };

int64_t bs_reserve(int64_t length) {
    if (length < HUGE_PAGE || length % HUGE_PAGE != 0) {
        return -EINVAL;
    }
    /* Where it begins is the kernel's to say: what lies before and behind a multiple goes back. */
    size_t mapped = (size_t)length + HUGE_PAGE;
    void *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    uint8_t *first = memory;
    size_t before = (HUGE_PAGE - (uintptr_t)first % HUGE_PAGE) % HUGE_PAGE;
    uint8_t *base = first + before;
    if (before > 0) {
        munmap(first, before);
    }
    munmap(base + length, mapped - before - (size_t)length);
    if (madvise(base, (size_t)length, MADV_DONTDUMP) != 0) {
        int error = errno;
        munmap(base, (size_t)length);
        return -error;
    }
    /* A kernel without huge pages refuses, and small ones do as well. */
    (void)madvise(base, (size_t)length, MADV_HUGEPAGE);
    return (int64_t)(uintptr_t)base;
}

void touch_pages(uint8_t *first, size_t length, size_t page) {
    for (uint8_t *at = first; at < first + length; at += page) {
        __atomic_fetch_or(at, 0, __ATOMIC_RELAXED);
    }
}

int32_t bs_populate(int64_t address, int64_t length) {
    int64_t page = sysconf(_SC_PAGESIZE);
    int64_t end;
    if (address < page || length < 1 || __builtin_add_overflow(address, length, &end)) {
        return -EINVAL;
    }
    uint8_t *first = AT(address / page * page);
    size_t bytes = (size_t)(address % page + length + page - 1) / (size_t)page * (size_t)page;
    if (madvise(first, bytes, MADV_POPULATE_WRITE) == 0) {
        return 0;
    }
    if (errno != EINVAL) {
        return -errno;
    }
    /* Linux before 5.14 does not know it. */
    touch_pages(first, bytes, (size_t)page);
    return 0;
}

int32_t bs_unmap(int64_t address, int64_t length) {
    return munmap(AT(address), (size_t)length) == 0 ? 0 : -errno;
}

int32_t bs_set_undumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno;
}

static bool may_lock_all(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) {
        return true;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & 1u << CAP_IPC_LOCK) != 0;
}

int32_t bs_lock_process(void) {
    /* Under a limit that is merely high enough for now, some later thread or mapping would fail, half a day from now. */
    if (!may_lock_all()) {
        return -EPERM;
    }
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : -errno;
}

int random_fill(uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t got = getrandom(bytes, length, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        bytes += got;
        length -= (size_t)got;
    }
    return 0;
}

int32_t bs_random(int64_t address, int64_t length) {
    return length < 0 ? -EINVAL : random_fill(AT(address), (size_t)length);
}

int32_t bs_wipe(int64_t address, int64_t length) {
    if (length < 0) {
        return -EINVAL;
    }
    explicit_bzero(AT(address), (size_t)length);
    return 0;
}

bool bytes_equal(const uint8_t *first, const uint8_t *second, size_t length) {
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= first[i] ^ second[i];
    }
    return difference == 0;
}

int32_t bs_equal(int64_t first, int64_t second, int64_t length) {
    return length < 0 ? -EINVAL : bytes_equal(AT(first), AT(second), (size_t)length);
}

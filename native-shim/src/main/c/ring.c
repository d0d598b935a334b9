/*
 * One io_uring on one open file, by bare system calls: an event loop prepares reads and writes, sends them in one call,
 * and is told through an eventfd when some are done. A ring belongs to the thread that opened it. It never waits.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <linux/fs.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For headers older than the kernel; Linux 5.19, 6.0 and 6.1. */
#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1U << 8)
#endif
#ifndef IORING_SETUP_TASKRUN_FLAG
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)
#define IORING_SQ_TASKRUN (1U << 2)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

enum { ENTRIES_MAX = 4096 };

struct ring {
    int descriptor, event, file;
    uint8_t file_flags;      /* IOSQE_FIXED_FILE where `file` is its place in the ring's table */
    uint32_t entries;        /* of the submission queue; the completion queue has twice as many */
    uint32_t tail, prepared; /* of the submission queue, as we have filled it; how many the kernel does not know of */
    uint32_t out;            /* prepared or with the kernel */
    void *queues;
    size_t queues_bytes;
    struct io_uring_sqe *sqes;
    size_t sqes_bytes;
    _Atomic uint32_t *sq_head, *sq_tail, *sq_flags, *cq_head, *cq_tail;
    uint32_t sq_mask, cq_mask;
    struct io_uring_cqe *cqes;
};

/* Requests that are done and completions that had no room, which the kernel hands over only when it is entered. */
static bool kernel_holds_some(const struct ring *ring) {
    uint32_t flags = atomic_load_explicit(ring->sq_flags, memory_order_acquire);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

static int enter(const struct ring *ring, uint32_t count) {
    unsigned int flags = kernel_holds_some(ring) ? IORING_ENTER_GETEVENTS : 0;
    long done;
    do {
        done = syscall(SYS_io_uring_enter, ring->descriptor, count, 0, flags, NULL, 0);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : (int)done;
}

/*
 * What the kernel has to say of finished requests it says, as we ask for it, best first: when we enter it anyhow and
 * not before (the eventfd then tells of work to be fetched, and a sleeping epoll_wait is not interrupted for each);
 * without an interrupt; or by interrupting whatever the thread does.
 */
static int set_up(uint32_t entries, int32_t flags, struct io_uring_params *params) {
    static const uint32_t wishes[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        0,
    };
    int descriptor = -1;
    for (size_t i = (flags & BS_RING_PLAIN) != 0 ? 2 : 0; i < 3; i++) {
        memset(params, 0, sizeof *params);
        params->flags = wishes[i];
        descriptor = (int)syscall(SYS_io_uring_setup, entries, params);
        if (descriptor >= 0 || errno != EINVAL) {
            break;
        }
    }
    if (descriptor < 0) {
        return -errno;
    }
    /* The last came with IORING_OP_READ and _WRITE; the others are older. */
    uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS;
    if ((params->features & needed) != needed) {
        close(descriptor);
        return -ENOSYS;
    }
    return descriptor;
}

static int map_queues(struct ring *ring, const struct io_uring_params *params) {
    size_t sq_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t cq_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    ring->queues_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
    ring->sqes_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
    int protection = PROT_READ | PROT_WRITE;
    ring->queues = mmap(NULL, ring->queues_bytes, protection, MAP_SHARED | MAP_POPULATE, ring->descriptor,
                        IORING_OFF_SQ_RING);
    if (ring->queues == MAP_FAILED) {
        return -errno;
    }
    ring->sqes = mmap(NULL, ring->sqes_bytes, protection, MAP_SHARED | MAP_POPULATE, ring->descriptor, IORING_OFF_SQES);
    if (ring->sqes == MAP_FAILED) {
        return -errno;
    }
    uint8_t *base = ring->queues;
    ring->sq_head = (void *)(base + params->sq_off.head);
    ring->sq_tail = (void *)(base + params->sq_off.tail);
    ring->sq_flags = (void *)(base + params->sq_off.flags);
    ring->cq_head = (void *)(base + params->cq_off.head);
    ring->cq_tail = (void *)(base + params->cq_off.tail);
    ring->sq_mask = *(uint32_t *)(void *)(base + params->sq_off.ring_mask);
    ring->cq_mask = *(uint32_t *)(void *)(base + params->cq_off.ring_mask);
    ring->cqes = (void *)(base + params->cq_off.cqes);
    ring->entries = params->sq_entries;
    /* Entries are used in their order, so this table says so once and for all. */
    uint32_t *order = (void *)(base + params->sq_off.array);
    for (uint32_t i = 0; i < params->sq_entries; i++) {
        order[i] = i;
    }
    return 0;
}

static int enlist(struct ring *ring, int32_t file) {
    ring->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->event < 0 ||
        syscall(SYS_io_uring_register, ring->descriptor, IORING_REGISTER_EVENTFD, &ring->event, 1) < 0) {
        return -errno;
    }
    /* A place in the ring's table saves a reference per request; and it stays this file whatever the number becomes. */
    ring->file = 0;
    ring->file_flags = IOSQE_FIXED_FILE;
    return syscall(SYS_io_uring_register, ring->descriptor, IORING_REGISTER_FILES, &file, 1) < 0 ? -errno : 0;
}

static void tear_down(struct ring *ring) {
    if (ring->sqes != MAP_FAILED) {
        munmap(ring->sqes, ring->sqes_bytes);
    }
    if (ring->queues != MAP_FAILED) {
        munmap(ring->queues, ring->queues_bytes);
    }
    if (ring->event >= 0) {
        close(ring->event);
    }
    close(ring->descriptor);
    free(ring);
}

int64_t bs_ring_open(int32_t fd, int32_t entries, int32_t flags) {
    if (entries < 1 || entries > ENTRIES_MAX) {
        return -EINVAL;
    }
    if (fd < 0) {
        return -EBADF; /* the ring's table would take it for an empty place */
    }
    struct io_uring_params params;
    int descriptor = set_up((uint32_t)entries, flags, &params);
    if (descriptor < 0) {
        return descriptor;
    }
    struct ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL) {
        close(descriptor);
        return -ENOMEM;
    }
    ring->descriptor = descriptor;
    ring->event = -1;
    ring->queues = ring->sqes = MAP_FAILED;
    int error = map_queues(ring, &params);
    if (error == 0) {
        error = enlist(ring, fd);
    }
    if (error != 0) {
        tear_down(ring);
        return error;
    }
    return (int64_t)(uintptr_t)ring;
}

int32_t bs_ring_event(int64_t handle) {
    const struct ring *ring = AT(handle);
    return ring->event;
}

int32_t bs_ring_entries(int64_t handle) {
    const struct ring *ring = AT(handle);
    return (int32_t)ring->entries;
}

static int32_t prepare(struct ring *ring, struct io_uring_sqe entry, int64_t length, int64_t offset) {
    if (length < 0 || length > INT32_MAX || offset < 0) {
        return -EINVAL;
    }
    if (ring->out == ring->entries) {
        return -EBUSY;
    }
    entry.len = (uint32_t)length;
    entry.off = (uint64_t)offset;
    entry.fd = ring->file;
    entry.flags = ring->file_flags;
    ring->sqes[ring->tail & ring->sq_mask] = entry;
    ring->tail++;
    ring->prepared++;
    ring->out++;
    return 0;
}

int32_t bs_ring_read(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag) {
    struct io_uring_sqe entry = {.opcode = IORING_OP_READ, .addr = (uint64_t)address, .user_data = (uint64_t)tag};
    return prepare(AT(ring), entry, length, offset);
}

int32_t bs_ring_write(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag) {
    struct io_uring_sqe entry = {.opcode = IORING_OP_WRITE, .addr = (uint64_t)address, .user_data = (uint64_t)tag};
    return prepare(AT(ring), entry, length, offset);
}

int32_t bs_ring_write_dsync(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag) {
    struct io_uring_sqe entry = {.opcode = IORING_OP_WRITE,
                                 .addr = (uint64_t)address,
                                 .user_data = (uint64_t)tag,
                                 .rw_flags = RWF_DSYNC};
    return prepare(AT(ring), entry, length, offset);
}

int32_t bs_ring_submit(int64_t handle) {
    struct ring *ring = AT(handle);
    atomic_store_explicit(ring->sq_tail, ring->tail, memory_order_release);
    while (ring->prepared > 0) {
        int sent = enter(ring, ring->prepared);
        if (sent <= 0) {
            break; /* no memory for more requests, or the like; asking again at once would make it no better */
        }
        ring->prepared -= (uint32_t)sent;
    }
    /* The kernel looks at the tail only inside the call, so what it did not take can be taken back. */
    uint32_t refused = ring->prepared;
    ring->tail -= refused;
    ring->out -= refused;
    ring->prepared = 0;
    atomic_store_explicit(ring->sq_tail, ring->tail, memory_order_release);
    return (int32_t)refused;
}

int32_t bs_ring_reap(int64_t handle, int64_t out, int32_t capacity) {
    struct ring *ring = AT(handle);
    if (kernel_holds_some(ring)) {
        int error = enter(ring, 0);
        if (error < 0) {
            return error;
        }
    }
    int64_t *pairs = AT(out);
    uint32_t head = atomic_load_explicit(ring->cq_head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(ring->cq_tail, memory_order_acquire);
    int32_t count = 0;
    while (head != tail && count < capacity) {
        const struct io_uring_cqe *entry = &ring->cqes[head & ring->cq_mask];
        pairs[2 * count] = (int64_t)entry->user_data;
        pairs[2 * count + 1] = entry->res;
        count++;
        head++;
    }
    atomic_store_explicit(ring->cq_head, head, memory_order_release);
    ring->out -= (uint32_t)count;
    return count;
}

int32_t bs_ring_close(int64_t handle) {
    struct ring *ring = AT(handle);
    if (ring->out > 0) {
        return -EBUSY;
    }
    tear_down(ring);
    return 0;
}

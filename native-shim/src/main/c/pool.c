/*
 * Memory for secrets: regions that are locked, kept out of core dumps and child processes and fenced by guard pages,
 * and a small allocator over one of them that libcrypto uses for everything (libcrypto.c installs it). That is how
 * expanded key schedules, which libcrypto allocates itself, get the same protection as the keys.
 *
 * Blocks come in size classes, are never split or merged, and are wiped when freed. A full pool never fails an
 * allocation: ordinary memory takes over, and bs_protection stops claiming that schedules are locked.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SMALL_STEP = 16,
    SMALL_CLASSES = 64, /* 16, 32 ... 1024 */
    LARGE_CLASSES = 16, /* 1536, 2048, 3072, 4096 ... 262144 */
    CLASSES = SMALL_CLASSES + LARGE_CLASSES,
};

/* Stands before each block; 16 bytes, so that blocks keep the alignment that AES code wants. */
struct header {
    uint32_t class;
    uint32_t length;
    struct header *next; /* in the free list */
};
_Static_assert(sizeof(struct header) == 16, "blocks must stay 16-byte aligned");

static struct region pool;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct header *free_lists[CLASSES];
static size_t carved; /* bytes handed out for the first time; beyond them the pool is untouched */
static _Atomic int64_t used;
static _Atomic bool overflowed;

bool region_open(struct region *region, size_t length, bool lock_it) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    length = (length + page - 1) / page * page;
    uint8_t *fence = mmap(NULL, length + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fence == MAP_FAILED) {
        return false;
    }
    uint8_t *base = fence + page;
    if (mprotect(base, length, PROT_READ | PROT_WRITE) != 0) {
        munmap(fence, length + 2 * page);
        return false;
    }
    region->base = base;
    region->length = length;
    region->undumpable = madvise(base, length, MADV_DONTDUMP) == 0;
    region->no_fork = madvise(base, length, MADV_DONTFORK) == 0;
    /* The raw system call, because sanitizers turn mlock() into a no-op that reports success. */
    region->locked = lock_it && syscall(SYS_mlock2, base, length, 0) == 0;
    return true;
}

bool pool_open(size_t length, bool lock_it) {
    return region_open(&pool, length, lock_it);
}

const struct region *pool_region(void) {
    return &pool;
}

static uint32_t class_of(size_t length) {
    if (length <= SMALL_STEP * SMALL_CLASSES) {
        return (uint32_t)((length - 1) / SMALL_STEP);
    }
    size_t size = 1024;
    for (uint32_t i = 0; i < LARGE_CLASSES; i += 2, size *= 2) {
        if (length <= size + size / 2) {
            return SMALL_CLASSES + i;
        }
        if (length <= size * 2) {
            return SMALL_CLASSES + i + 1;
        }
    }
    return CLASSES;
}

static size_t class_bytes(uint32_t class) {
    if (class < SMALL_CLASSES) {
        return (size_t)(class + 1) * SMALL_STEP;
    }
    uint32_t i = class - SMALL_CLASSES;
    size_t size = (size_t)1024 << (i / 2);
    return i % 2 == 0 ? size + size / 2 : size * 2;
}

static bool in_pool(const void *memory) {
    const uint8_t *at = memory;
    return at >= pool.base && at < pool.base + pool.length;
}

void *pool_allocate(size_t length) {
    if (length == 0) {
        return NULL;
    }
    uint32_t class = class_of(length);
    struct header *header = NULL;
    if (class < CLASSES) {
        size_t needed = sizeof(struct header) + class_bytes(class);
        pthread_mutex_lock(&lock);
        header = free_lists[class];
        if (header != NULL) {
            free_lists[class] = header->next;
        } else if (pool.length - carved >= needed) {
            header = (struct header *)(void *)(pool.base + carved);
            carved += needed;
        }
        pthread_mutex_unlock(&lock);
    }
    if (header == NULL) {
        atomic_store_explicit(&overflowed, true, memory_order_relaxed);
        return malloc(length);
    }
    header->class = class;
    header->length = (uint32_t)length;
    header->next = NULL;
    atomic_fetch_add_explicit(&used, (int64_t)class_bytes(class), memory_order_relaxed);
    return header + 1;
}

void pool_free(void *memory) {
    if (memory == NULL) {
        return;
    }
    if (!in_pool(memory)) {
        explicit_bzero(memory, malloc_usable_size(memory));
        free(memory);
        return;
    }
    struct header *header = (struct header *)memory - 1;
    size_t bytes = class_bytes(header->class);
    explicit_bzero(memory, bytes);
    atomic_fetch_sub_explicit(&used, (int64_t)bytes, memory_order_relaxed);
    pthread_mutex_lock(&lock);
    header->next = free_lists[header->class];
    free_lists[header->class] = header;
    pthread_mutex_unlock(&lock);
}

void *pool_reallocate(void *memory, size_t length) {
    if (memory == NULL) {
        return pool_allocate(length);
    }
    if (length == 0) {
        pool_free(memory);
        return NULL;
    }
    size_t old;
    if (in_pool(memory)) {
        struct header *header = (struct header *)memory - 1;
        if (length <= class_bytes(header->class)) {
            header->length = (uint32_t)length;
            return memory;
        }
        old = header->length;
    } else {
        old = malloc_usable_size(memory);
    }
    void *grown = pool_allocate(length);
    if (grown != NULL) {
        memcpy(grown, memory, old < length ? old : length);
        pool_free(memory);
    }
    return grown;
}

bool pool_overflowed(void) {
    return atomic_load_explicit(&overflowed, memory_order_relaxed);
}

int64_t bs_pool_used(void) {
    return atomic_load_explicit(&used, memory_order_relaxed);
}

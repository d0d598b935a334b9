/*
 * Raw keys: fixed slots of 64 bytes in a locked region, named by handles that carry the slot's generation.
 *
 * Each slot has one 64-bit state word beside it (not secret, ordinary memory): a version that moves at every change,
 * the generation, whether the slot is taken, whether somebody is changing it, and the key's length. Readers take no
 * lock: they read the word, use the bytes, and read the word again (key_view, key_unchanged). A writer first swaps in
 * a word with length 0 and the CHANGING mark, which keeps out other writers of this slot and of no other, then touches
 * the bytes, then publishes the final word, so a reader that saw the same word twice saw an intact key.
 *
 * One mutex guards the queue of free slots. Freed slots queue up at the far end, so that a slot's 16,383 generations are used up as slowly as possible.
 */
#include "shim.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT_BITS = 17, GENERATION_BITS = 14, VERSION_BITS = 40, LENGTH_SHIFT = 56 };
static const uint64_t VERSION_MASK = ((uint64_t)1 << VERSION_BITS) - 1;
static const uint64_t GENERATION_MASK = ((uint64_t)1 << GENERATION_BITS) - 1;
static const uint64_t LIVE = (uint64_t)1 << (VERSION_BITS + GENERATION_BITS);
static const uint64_t CHANGING = (uint64_t)1 << (VERSION_BITS + GENERATION_BITS + 1);

static struct region region;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t capacity;
static _Atomic uint64_t *words;
static uint32_t *free_queue; /* ring of slots */
static uint32_t free_head, free_count;

const struct region *keys_region(void) {
    return &region;
}

bool keys_open(uint32_t slots, bool lock_it) {
    words = calloc(slots, sizeof *words);
    free_queue = calloc(slots, sizeof *free_queue);
    if (words == NULL || free_queue == NULL || !region_open(&region, (size_t)slots * BS_KEY_BYTES_MAX, lock_it)) {
        free(words);
        free(free_queue);
        return false;
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        atomic_init(&words[slot], (uint64_t)1 << VERSION_BITS);
        free_queue[slot] = slot;
    }
    free_head = 0;
    free_count = slots;
    capacity = slots;
    return true;
}

static uint64_t generation_of(uint64_t word) {
    return word >> VERSION_BITS & GENERATION_MASK;
}

static size_t length_of(uint64_t word) {
    return (size_t)(word >> LENGTH_SHIFT);
}

static uint8_t *bytes_of(uint32_t slot) {
    return region.base + (size_t)slot * BS_KEY_BYTES_MAX;
}

static uint64_t word_of(uint64_t previous, uint64_t generation, bool live, size_t length) {
    return ((previous + 1) & VERSION_MASK) | generation << VERSION_BITS | (live ? LIVE : 0) |
           (uint64_t)length << LENGTH_SHIFT;
}

uint64_t key_word(uint32_t slot) {
    return atomic_load_explicit(&words[slot], memory_order_acquire);
}

/* The slot and its word if the handle is current, else the error to return. */
static int find(int32_t handle, uint32_t *slot, uint64_t *word) {
    if (!libcrypto_ready()) {
        return BS_NOT_READY;
    }
    if (handle < 1) {
        return -EINVAL;
    }
    *slot = (uint32_t)handle & ((1u << SLOT_BITS) - 1);
    if (*slot >= capacity) {
        return -EINVAL;
    }
    *word = key_word(*slot);
    bool current = (*word & LIVE) != 0 && generation_of(*word) == (uint64_t)((uint32_t)handle >> SLOT_BITS);
    return current ? 0 : BS_KEY_STALE;
}

int key_view(int32_t handle, size_t length, struct key_view *view) {
    int error = find(handle, &view->slot, &view->word);
    if (error != 0) {
        return error;
    }
    if (length == 0 || length > length_of(view->word)) {
        return BS_KEY_EMPTY;
    }
    view->bytes = bytes_of(view->slot);
    return 0;
}

bool key_unchanged(const struct key_view *view) {
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&words[view->slot], memory_order_relaxed) == view->word;
}

bool halves_equal(const uint8_t *key) {
    return bytes_equal(key, key + BS_KEY_BYTES_MAX / 2, BS_KEY_BYTES_MAX / 2);
}

/*
 * Makes the slot empty for everybody, keeps out other writers, and lets the caller touch its bytes until end_change.
 * Or the error to return. `before` is what the word was.
 */
static int begin_change(int32_t handle, uint32_t *slot, uint64_t *before) {
    for (;;) {
        int error = find(handle, slot, before);
        if (error != 0) {
            return error;
        }
        if ((*before & CHANGING) != 0) {
            sched_yield(); /* another thread is filling or wiping this very slot */
            continue;
        }
        uint64_t changing = word_of(*before, generation_of(*before), true, 0) | CHANGING;
        if (atomic_compare_exchange_strong_explicit(
                &words[*slot], before, changing, memory_order_acquire, memory_order_relaxed)) {
            atomic_thread_fence(memory_order_seq_cst);
            return 0;
        }
    }
}

/* The slot then holds `length` bytes, or is dead. */
static void end_change(uint32_t slot, bool live, size_t length) {
    uint64_t word = key_word(slot);
    atomic_store_explicit(&words[slot], word_of(word, generation_of(word), live, length), memory_order_release);
}

int32_t bs_key_new(void) {
    if (!libcrypto_ready()) {
        return BS_NOT_READY;
    }
    int32_t handle = BS_NO_SLOT;
    pthread_mutex_lock(&lock);
    if (free_count > 0) {
        uint32_t slot = free_queue[free_head];
        free_head = (free_head + 1) % capacity;
        free_count--;
        uint64_t word = key_word(slot);
        uint64_t generation = generation_of(word);
        atomic_store_explicit(&words[slot], word_of(word, generation, true, 0), memory_order_release);
        handle = (int32_t)(generation << SLOT_BITS | slot);
    }
    pthread_mutex_unlock(&lock);
    return handle;
}

int32_t bs_key_free(int32_t handle) {
    uint32_t slot;
    uint64_t word;
    int error = begin_change(handle, &slot, &word);
    if (error != 0) {
        return error;
    }
    explicit_bzero(bytes_of(slot), BS_KEY_BYTES_MAX);
    end_change(slot, false, 0);
    if (length_of(word) != 0) {
        contexts_evict(slot);
    }
    pthread_mutex_lock(&lock);
    word = key_word(slot);
    uint64_t generation = generation_of(word) == GENERATION_MASK ? 1 : generation_of(word) + 1;
    atomic_store_explicit(&words[slot], word_of(word, generation, false, 0), memory_order_release);
    free_queue[(free_head + free_count) % capacity] = slot;
    free_count++;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Says in *replaced whether the slot had a key, whose schedules the caller must evict. */
static int put(int32_t handle, const uint8_t *bytes, size_t length, uint32_t *slot, bool *replaced) {
    uint64_t word;
    int error = length < 1 || length > BS_KEY_BYTES_MAX ? -EINVAL : begin_change(handle, slot, &word);
    if (error != 0) {
        return error;
    }
    explicit_bzero(bytes_of(*slot), BS_KEY_BYTES_MAX);
    memcpy(bytes_of(*slot), bytes, length);
    end_change(*slot, true, length);
    *replaced = length_of(word) != 0;
    return 0;
}

int key_put(int32_t handle, const uint8_t *bytes, size_t length) {
    uint32_t slot;
    bool replaced = false;
    int error = put(handle, bytes, length, &slot, &replaced);
    if (replaced) {
        contexts_evict(slot);
    }
    return error;
}

int key_put_here(struct thread_cache *cache, int32_t handle, const uint8_t *bytes, size_t length) {
    uint32_t slot;
    bool replaced = false;
    int error = put(handle, bytes, length, &slot, &replaced);
    if (replaced) {
        cache_evict(cache, slot);
    }
    return error;
}

int32_t bs_key_set(int32_t handle, int64_t address, int32_t length) {
    return length < 1 ? -EINVAL : key_put(handle, AT(address), (size_t)length);
}

int32_t bs_key_random(int32_t handle, int32_t length) {
    uint32_t slot;
    uint64_t word;
    int error = length < 1 || length > BS_KEY_BYTES_MAX ? -EINVAL : begin_change(handle, &slot, &word);
    if (error != 0) {
        return error;
    }
    explicit_bzero(bytes_of(slot), BS_KEY_BYTES_MAX);
    do {
        error = random_fill(bytes_of(slot), (size_t)length);
    } while (error == 0 && length == BS_KEY_BYTES_MAX && halves_equal(bytes_of(slot)));
    end_change(slot, true, error == 0 ? (size_t)length : 0);
    if (length_of(word) != 0) {
        contexts_evict(slot);
    }
    return error;
}

int32_t bs_key_clear(int32_t handle) {
    uint32_t slot;
    uint64_t word;
    int error = begin_change(handle, &slot, &word);
    if (error != 0) {
        return error;
    }
    explicit_bzero(bytes_of(slot), BS_KEY_BYTES_MAX);
    end_change(slot, true, 0);
    if (length_of(word) != 0) {
        contexts_evict(slot);
    }
    return 0;
}

int32_t bs_key_get(int32_t handle, int64_t address, int32_t length) {
    struct key_view view;
    int error = length < 1 ? -EINVAL : key_view(handle, (size_t)length, &view);
    if (error != 0) {
        return error;
    }
    memcpy(AT(address), view.bytes, (size_t)length);
    if (!key_unchanged(&view)) {
        explicit_bzero(AT(address), (size_t)length);
        return BS_KEY_STALE;
    }
    return 0;
}

int32_t bs_key_equal(int32_t first, int32_t second, int32_t length) {
    struct key_view one, other;
    int error = length < 1 ? -EINVAL : key_view(first, (size_t)length, &one);
    error = error == 0 ? key_view(second, (size_t)length, &other) : error;
    if (error != 0) {
        return error;
    }
    bool equal = bytes_equal(one.bytes, other.bytes, (size_t)length);
    return key_unchanged(&one) && key_unchanged(&other) ? equal : BS_KEY_STALE;
}

int32_t bs_key_length(int32_t handle) {
    uint32_t slot;
    uint64_t word;
    int error = find(handle, &slot, &word);
    return error != 0 ? error : (int32_t)length_of(word);
}

int32_t bs_key_count(void) {
    pthread_mutex_lock(&lock);
    int32_t count = (int32_t)(capacity - free_count);
    pthread_mutex_unlock(&lock);
    return count;
}

int32_t bs_key_capacity(void) {
    return libcrypto_ready() ? (int32_t)capacity : BS_NOT_READY;
}

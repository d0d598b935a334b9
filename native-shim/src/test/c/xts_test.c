/*
 * XTS by each engine that this processor has: the same bytes whoever computes them, not one byte touched outside, an
 * engine that is wrong anywhere is not taken, and nothing of a key stays behind. Under valgrind, which has none of the
 * wide instructions and says so, only libcrypto's way is left.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>

static const struct xts_wide *const engines[] = {
    NULL,
#ifdef XTS_VAES
    &xts_vaes512,
    &xts_vaes256,
#endif
};
enum { ENGINES = sizeof engines / sizeof engines[0] };

void with_each_xts(void (*test)(void)) {
    const struct xts_wide *chosen = xts_wide;
    for (int i = 0; i < ENGINES; i++) {
        if (engines[i] == NULL || engines[i]->runs_here()) {
            CHECK(bs_thread_forget() == 0);
            xts_wide = engines[i];
            CHECK(bs_xts_engine() == (engines[i] == NULL ? BS_XTS_LIBCRYPTO : engines[i]->engine));
            test();
        }
    }
    CHECK(bs_thread_forget() == 0);
    xts_wide = chosen;
}

static uint64_t state;

/* splitmix64 */
static uint64_t next_random(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void fill(uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)next_random();
    }
}

enum { BUFFER_BYTES = 1 << 21, PAGE_BYTES = 4096, ROUNDS_AT_RANDOM = 1500 };

/* Pages that end where the system would notice one byte more; masked vector loads are none of the sanitizers' business. */
static uint8_t *fenced(void) {
    uint8_t *base = mmap(NULL, BUFFER_BYTES + 2 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(base != MAP_FAILED && mprotect(base + PAGE_BYTES, BUFFER_BYTES, PROT_READ | PROT_WRITE) == 0);
    return base + PAGE_BYTES;
}

static void unfence(uint8_t *buffer) {
    CHECK(munmap(buffer - PAGE_BYTES, BUFFER_BYTES + 2 * PAGE_BYTES) == 0);
}

/* Mostly what volumes have, and everything else that is allowed. */
static int32_t any_unit_bytes(void) {
    switch (next_random() % 5) {
    case 0:
        return 512;
    case 1:
        return 4096;
    case 2:
        return 16 * (int32_t)(1 + next_random() % 70);
    case 3:
        return 16 * (int32_t)(1 + next_random() % 600);
    default:
        return 1 << (4 + next_random() % 17);
    }
}

/* One run of units, by libcrypto and by `engine`: there, back, and back with holes. */
static void compare(const struct xts_wide *engine, int32_t handle, uint8_t *buffer, uint8_t *expected) {
    int32_t unitBytes = any_unit_bytes();
    int64_t most = (BUFFER_BYTES - 128) / unitBytes;
    int64_t count = 1 + (int64_t)(next_random() % (uint64_t)(most < 80 ? most : 80));
    int64_t first = (int64_t)(next_random() >> (1 + next_random() % 63)), length = count * unitBytes;
    first = first > INT64_MAX - count ? INT64_MAX - count : first;
    /* At the one fence, at the other, or anywhere between. */
    size_t spare = (size_t)(BUFFER_BYTES - length);
    size_t at = next_random() % 3 == 0 ? 0 : next_random() % 2 == 0 ? spare : next_random() % spare;
    size_t from = at < 128 ? 0 : at - 128, to = (size_t)length + at + 128;
    to = to > BUFFER_BYTES ? BUFFER_BYTES : to;
    for (int act = 0; act < 3; act++) {
        fill(buffer + from, to - from);
        if (act == 2) {
            for (int64_t i = 0; i < count; i++) {
                if (next_random() % 3 == 0) {
                    memset(buffer + at + i * unitBytes, 0, (size_t)unitBytes);
                    buffer[at + (size_t)(i * unitBytes) + next_random() % (uint64_t)unitBytes] = next_random() % 2 == 0;
                }
            }
        }
        memcpy(expected + from, buffer + from, to - from);
        int64_t (*call)(int32_t, int64_t, int64_t, int64_t, int32_t) =
            act == 0 ? bs_xts_encrypt : act == 1 ? bs_xts_decrypt : bs_xts_decrypt_sparse;
        CHECK(bs_thread_forget() == 0);
        xts_wide = NULL;
        int64_t zeros = call(handle, ADDRESS(expected + at), first, count, unitBytes);
        CHECK(zeros >= 0 && bs_thread_forget() == 0);
        xts_wide = engine;
        CHECK(call(handle, ADDRESS(buffer + at), first, count, unitBytes) == zeros);
        CHECK(memcmp(buffer + from, expected + from, to - from) == 0);
    }
}

static void agrees_with_libcrypto(void) {
    const struct xts_wide *engine = xts_wide;
    const char *given = getenv("BLOCKSEAL_SEED");
    CHECK(given != NULL || getrandom(&state, sizeof state, 0) == sizeof state);
    state = given != NULL ? strtoull(given, NULL, 0) : state;
    printf("xts_test: engine %d, BLOCKSEAL_SEED=0x%llx\n", bs_xts_engine(), (unsigned long long)state);
    fflush(stdout);
    uint8_t *buffer = fenced(), *expected = fenced(), key[64];
    for (int i = 0; engine != NULL && i < ROUNDS_AT_RANDOM; i++) {
        fill(key, sizeof key);
        int32_t handle = bs_key_new();
        CHECK(bs_key_set(handle, ADDRESS(key), sizeof key) == 0);
        compare(engine, handle, buffer, expected);
        CHECK(bs_key_free(handle) == 0);
    }
    unfence(buffer);
    unfence(expected);
}

/* From one buffer to another must be what it is in place, zeros included. */
static void copies_as_it_goes(void) {
    if (xts_wide == NULL) {
        return;
    }
    enum { UNITS = 70, UNIT_BYTES = 1040, LENGTH = UNITS * UNIT_BYTES };
    uint8_t *source = malloc(LENGTH), *before = malloc(LENGTH), *copy = malloc(LENGTH), *inPlace = malloc(LENGTH);
    uint8_t key[64], room[XTS_ROOM_BYTES], none[XTS_ROOM_BYTES] = {0};
    struct xts_keys *keys = malloc(sizeof *keys);
    fill(key, sizeof key);
    for (enum xts_mode mode = XTS_ENCRYPT; mode <= XTS_DECRYPT_SPARSE; mode++) {
        fill(source, LENGTH);
        memset(source + 5 * UNIT_BYTES, 0, 2 * UNIT_BYTES);
        memcpy(before, source, LENGTH);
        memcpy(inPlace, source, LENGTH);
        memset(copy, 0xee, LENGTH);
        xts_wide->expand(keys, key, mode == XTS_ENCRYPT);
        struct xts_run run = {source, copy, 1 << 20, UNITS, UNIT_BYTES};
        CHECK(xts_wide->crypt(mode, keys, &run, room) == (mode == XTS_DECRYPT_SPARSE ? 2 : 0));
        CHECK(memcmp(room, none, sizeof room) == 0);
        run.from = run.to = inPlace;
        CHECK(xts_wide->crypt(mode, keys, &run, room) == (mode == XTS_DECRYPT_SPARSE ? 2 : 0));
        CHECK(memcmp(copy, inPlace, LENGTH) == 0 && memcmp(source, before, LENGTH) == 0);
    }
    free(source);
    free(before);
    free(copy);
    free(inPlace);
    free(keys);
}

static const struct xts_wide *right;
static int fault;

/* The right answer, but for one thing. */
static int64_t wrong_crypt(
    enum xts_mode mode, const struct xts_keys *keys, const struct xts_run *run, uint8_t *room) {
    size_t length = (size_t)run->unitCount * run->unitBytes;
    int64_t zeros = right->crypt(mode, keys, run, room);
    switch (fault) {
    case 0:
        run->to[length - 1] ^= mode == XTS_ENCRYPT && run->unitBytes == 496 && run->unitCount == 9;
        return zeros;
    case 1:
        run->to[0] ^= mode == XTS_DECRYPT && run->unitBytes == 16 && run->unitCount == 1;
        return zeros;
    case 2:
        run->to[length] ^= run->unitBytes == 4096;
        return zeros;
    case 3:
        return mode == XTS_DECRYPT_SPARSE ? 0 : zeros;
    case 4:
        return zeros + (mode == XTS_ENCRYPT && run->unitBytes == 32);
    case 5:
        if (run->unitCount > 32) {
            run->to[32 * run->unitBytes] ^= 1;
        }
        return zeros;
    default:
        return zeros;
    }
}

static void wrong_expand(struct xts_keys *keys, const uint8_t *key, bool encrypt) {
    right->expand(keys, key, encrypt);
    keys->tweak.keys[14][15] ^= fault == 6;
}

static void is_not_taken_if_wrong_anywhere(void) {
    if (xts_wide == NULL) {
        return;
    }
    right = xts_wide;
    const struct xts_wide wrong = {BS_XTS_VAES512, right->runs_here, wrong_expand, wrong_crypt};
    for (fault = 0; fault <= 6; fault++) {
        CHECK(!xts_agrees(&wrong));
    }
    CHECK(fault == 7 && xts_agrees(&wrong) && xts_agrees(right));
}

static int cannot(struct evp_cipher_ctx *context, uint8_t *out, int *written, const uint8_t *in, int length) {
    (void)context, (void)out, (void)in;
    *written = length;
    return 1;
}

/* Whichever of the two is wrong: where they differ, the start says so and goes on with libcrypto. */
static void is_chosen_by_what_is_wanted_and_proven(void) {
    const struct xts_wide *chosen = xts_wide;
    struct libcrypto real = crypto;
    CHECK(bs_thread_forget() == 0);
    xts_choose(BS_INIT_XTS_LIBCRYPTO);
    CHECK(xts_wide == NULL && bs_xts_engine() == BS_XTS_LIBCRYPTO);
    xts_choose(BS_INIT_XTS_VAES256);
    bool here = xts_wide != NULL;
    CHECK(bs_xts_engine() == (here ? BS_XTS_VAES256 : BS_XTS_LIBCRYPTO));
    crypto.EVP_DecryptUpdate = cannot;
    xts_choose(0);
    CHECK(xts_wide == NULL && (!here || bs_xts_engine() == BS_XTS_DISTRUSTED));
    crypto = real;
    xts_choose(0);
    CHECK(xts_wide == chosen);
}

#ifdef XTS_VAES
/*
 * How many places of the memory, which may be anybody's stack, hold a round key; the first two are the key itself.
 * Nobody stores one at an address that is not a multiple of 8.
 */
static __attribute__((no_sanitize("address"))) int pieces_in(
    const struct xts_keys *keys, const uint8_t *memory, size_t length) {
    const uint64_t *words = (const uint64_t *)(const void *)memory, *parts = (const uint64_t *)(const void *)keys;
    bool begins[256] = {false}; /* with this byte does a round key; saves most of the comparisons */
    for (size_t j = 0; j < sizeof *keys / 8; j += 2) {
        begins[(uint8_t)parts[j]] = true;
    }
    int found = 0;
    for (size_t i = 0; i + 1 < length / 8; i++) {
        for (size_t j = 0; begins[(uint8_t)words[i]] && j < sizeof *keys / 8; j += 2) {
            found += words[i] == parts[j] && words[i + 1] == parts[j + 1];
        }
    }
    return found;
}

static int in_the_pool(const struct xts_keys *keys) {
    return pieces_in(keys, pool_region()->base, pool_region()->length);
}

static _Alignas(16) struct xts_keys expanded[2]; /* what we look for; outside of what is searched */

static int32_t key_to_look_for(void) {
    int32_t handle = bs_key_new();
    CHECK(bs_key_random(handle, 64) == 0);
    const uint8_t *bytes = keys_region()->base + (size_t)((uint32_t)handle & 0x1ffff) * 64;
    xts_expand(&expanded[0], bytes, true);
    xts_expand(&expanded[1], bytes, false);
    return handle;
}

static void use(int32_t handle) {
    uint8_t unit[512] = {0};
    CHECK(bs_xts_encrypt(handle, ADDRESS(unit), 1, 1, 512) == 0 && bs_xts_decrypt(handle, ADDRESS(unit), 1, 1, 512) == 0);
}

static void *uses_and_ends(void *argument) {
    use(*(int32_t *)argument);
    CHECK(in_the_pool(&expanded[0]) >= 30 && in_the_pool(&expanded[1]) >= 30);
    return NULL;
}

/* Schedules are found while they are kept, else the search would be worth nothing; and never after their key. */
static void leaves_no_schedule(void) {
    if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("avx") || (xts_wide == NULL && !hooked)) {
        return;
    }
    for (int end = 0; end < 5; end++) {
        int32_t handle = key_to_look_for();
        CHECK(in_the_pool(&expanded[0]) == 0 && in_the_pool(&expanded[1]) == 0);
        if (end == 4) {
            pthread_t thread;
            CHECK(pthread_create(&thread, NULL, uses_and_ends, &handle) == 0 && pthread_join(thread, NULL) == 0);
        } else {
            use(handle);
            CHECK(in_the_pool(&expanded[0]) >= 30 && in_the_pool(&expanded[1]) >= 30);
        }
        if (end == 0) {
            CHECK(bs_key_free(handle) == 0);
        } else if (end == 1) {
            CHECK(bs_key_clear(handle) == 0);
        } else if (end == 2) {
            CHECK(bs_key_random(handle, 64) == 0);
        } else if (end == 3) {
            CHECK(bs_thread_forget() == 0);
        }
        CHECK(in_the_pool(&expanded[0]) == 0 && in_the_pool(&expanded[1]) == 0);
        CHECK(end == 0 || bs_key_free(handle) == 0);
    }
}

static int32_t victim;

static void expand_as_the_key_is_freed(struct xts_keys *keys, const uint8_t *key, bool encrypt) {
    right->expand(keys, key, encrypt);
    CHECK(bs_key_free(victim) == 0);
}

static void notices_that_the_key_is_freed_meanwhile(void) {
    if (xts_wide == NULL) {
        return;
    }
    right = xts_wide;
    struct xts_wide freeing = *right;
    freeing.expand = expand_as_the_key_is_freed;
    for (int decrypt = 0; decrypt < 2; decrypt++) {
        uint8_t unit[512] = {0}, zeros[512] = {0};
        victim = key_to_look_for();
        int64_t used = bs_pool_used();
        xts_wide = &freeing;
        CHECK((decrypt ? bs_xts_decrypt : bs_xts_encrypt)(victim, ADDRESS(unit), 0, 1, 512) == BS_KEY_STALE);
        xts_wide = right;
        CHECK(memcmp(unit, zeros, 512) == 0 && bs_pool_used() == used && in_the_pool(&expanded[decrypt]) == 0);
    }
}

#define DUMP(number) "vmovdqu64 %%zmm" #number ", " #number "*64(%0)\n\t"

/* All vector registers, as the call before left them. */
static __attribute__((noinline, target("avx512f"))) void registers(uint8_t *out) {
    __asm__ volatile(DUMP(0) DUMP(1) DUMP(2) DUMP(3) DUMP(4) DUMP(5) DUMP(6) DUMP(7) DUMP(8) DUMP(9) DUMP(10) DUMP(11)
                         DUMP(12) DUMP(13) DUMP(14) DUMP(15) DUMP(16) DUMP(17) DUMP(18) DUMP(19) DUMP(20) DUMP(21)
                             DUMP(22) DUMP(23) DUMP(24) DUMP(25) DUMP(26) DUMP(27) DUMP(28) DUMP(29) DUMP(30) DUMP(31)
                     :
                     : "r"(out)
                     : "memory");
}

enum { REGISTER_BYTES = 32 * 64, STACK_BYTES = 1 << 20 };
static uint8_t *stack, *found_in_registers;
static int found_on_stack;

static void *uses_and_looks(void *argument) {
    int32_t handle = *(int32_t *)argument;
    static uint8_t units[37 * 528];
    for (int decrypt = 0; decrypt < 2; decrypt++) {
        for (int unitBytes = 512; unitBytes <= 528; unitBytes += 16) {
            for (int count = 1; count <= 37; count += 36) {
                CHECK((decrypt ? bs_xts_decrypt : bs_xts_encrypt)(handle, ADDRESS(units), 1, count, unitBytes) == 0);
                registers(found_in_registers);
                CHECK(pieces_in(&expanded[decrypt], found_in_registers, REGISTER_BYTES) == 0);
                found_on_stack += pieces_in(&expanded[decrypt], stack, STACK_BYTES);
            }
        }
    }
    /* The same search finds a key that does lie there. */
    _Alignas(16) uint8_t there[16];
    memcpy(there, expanded[1].data.keys[7], sizeof there);
    __asm__ volatile("" : : "r"(there) : "memory");
    CHECK(pieces_in(&expanded[1], stack, STACK_BYTES) > found_on_stack);
    explicit_bzero(there, sizeof there);
    return NULL;
}

/* Neither in a register nor on the stack. What the compiler does for the sanitizers or without optimisation is its own. */
static void leaves_no_round_key(void) {
    if (xts_wide == NULL || !__builtin_cpu_supports("avx512f")) {
        return;
    }
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    found_in_registers = malloc(REGISTER_BYTES);
    CHECK(stack != MAP_FAILED && found_in_registers != NULL);
    int32_t handle = key_to_look_for();
    found_on_stack = 0;
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, STACK_BYTES) == 0);
    CHECK(pthread_create(&thread, &attributes, uses_and_looks, &handle) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0 && bs_key_free(handle) == 0);
    CHECK(found_on_stack == 0);
    free(found_in_registers);
    CHECK(munmap(stack, STACK_BYTES) == 0);
}
#endif

void test_xts_engines(void) {
    is_chosen_by_what_is_wanted_and_proven();
    with_each_xts(agrees_with_libcrypto);
    with_each_xts(copies_as_it_goes);
    with_each_xts(is_not_taken_if_wrong_anywhere);
#ifdef XTS_VAES
    with_each_xts(leaves_no_schedule);
    with_each_xts(notices_that_the_key_is_freed_meanwhile);
    with_each_xts(leaves_no_round_key);
#endif
}

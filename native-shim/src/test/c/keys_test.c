/* Key slots: their life, their fences, and what threads may do to each other's. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

void test_keys(void) {
    uint8_t out[64], zeros[64] = {0};
    int32_t capacity = bs_key_capacity(), first = bs_key_new();
    CHECK(capacity == 64 && bs_key_count() == 1 && bs_key_length(first) == 0);
    CHECK(bs_key_get(first, ADDRESS(out), 32) == BS_KEY_EMPTY);
    CHECK(bs_key_random(first, 64) == 0 && bs_key_length(first) == 64);
    CHECK(bs_key_get(first, ADDRESS(out), 64) == 0 && memcmp(out, zeros, 64) != 0 && memcmp(out, out + 32, 32) != 0);
    int32_t second = bs_key_new();
    CHECK(bs_key_set(second, ADDRESS(out), 64) == 0 && bs_key_equal(first, second, 64) == 1);
    out[63] ^= 1;
    CHECK(bs_key_set(second, ADDRESS(out), 64) == 0);
    CHECK(bs_key_equal(first, second, 64) == 0 && bs_key_equal(first, second, 63) == 1);
    CHECK(bs_key_set(second, ADDRESS(out), 16) == 0 && bs_key_equal(first, second, 32) == BS_KEY_EMPTY);
    CHECK(bs_key_set(second, ADDRESS(out), 65) == -EINVAL && bs_key_random(second, 0) == -EINVAL);
    CHECK(bs_key_free(first) == 0 && bs_key_free(first) == BS_KEY_STALE && bs_key_length(first) == BS_KEY_STALE);
    for (size_t slot = 0; slot < 64; slot++) {
        const uint8_t *bytes = keys_region()->base + slot * 64;
        CHECK((memcmp(bytes, zeros, 64) == 0) == (slot != ((uint32_t)second & 0x1ffff)));
    }
    CHECK(bs_key_free(second) == 0);
    CHECK(bs_key_length(0) == -EINVAL && bs_key_length(-5) == -EINVAL && bs_key_length(64) == -EINVAL);

    int32_t all[64];
    for (int i = 0; i < capacity; i++) {
        all[i] = bs_key_new();
        CHECK(all[i] >= 1 && all[i] != first && all[i] != second);
    }
    CHECK(bs_key_new() == BS_NO_SLOT && bs_key_count() == capacity);
    for (int i = 0; i < capacity; i++) {
        CHECK(bs_key_free(all[i]) == 0);
    }
    /* All generations of a slot, and round: the handle must stay positive and the slots must not get lost. */
    for (int i = 0; i < 64 * 16400; i++) {
        int32_t handle = bs_key_new();
        CHECK(handle >= 1 && bs_key_free(handle) == 0);
    }
    CHECK(bs_key_count() == 0);
}

/* A child touches what it must not touch; true if that killed it. */
static bool dies(void (*act)(void)) {
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        act();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status);
}

static void before_the_slots(void) {
    *(volatile uint8_t *)(keys_region()->base - 1) = 1;
}

static void in_the_child(void) {
    (void)*(volatile uint8_t *)keys_region()->base;
}

void test_guards(void) {
    CHECK(dies(before_the_slots));
    CHECK(dies(in_the_child)); /* children do not have the region at all */
}

enum { THREADS = 4, ROUNDS = 4000 };

/* Each thread uses and frees its own keys, and by freeing disturbs the schedules of all others. */
static void *churn(void *argument) {
    uint8_t unit[512];
    for (int i = 0; i < ROUNDS; i++) {
        int32_t handle = bs_key_new();
        CHECK(handle >= 1 && bs_key_random(handle, 64) == 0);
        memset(unit, i, sizeof unit);
        CHECK(bs_xts_encrypt(handle, ADDRESS(unit), i, 1, 512) == 0 && bs_xts_decrypt(handle, ADDRESS(unit), i, 1, 512) == 0);
        CHECK(unit[0] == (uint8_t)i && unit[511] == (uint8_t)i);
        CHECK(bs_key_free(handle) == 0);
    }
    CHECK(bs_thread_forget() == 0);
    return argument;
}

static int32_t contested;

/* Each thread fills the one slot with bytes that are all the same: whoever reads a mixture has found a torn key. */
static void *contend(void *argument) {
    uint8_t mine[64], seen[64];
    memset(mine, (int)(intptr_t)argument, sizeof mine);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(i % 16 == 0 ? bs_key_clear(contested) == 0 : bs_key_set(contested, ADDRESS(mine), 64) == 0);
        int32_t result = bs_key_get(contested, ADDRESS(seen), 64);
        CHECK(result == 0 || result == BS_KEY_EMPTY || result == BS_KEY_STALE);
        CHECK(result != 0 || memcmp(seen, seen + 1, 63) == 0);
    }
    return NULL;
}

void in_all_threads(void *(*act)(void *)) {
    pthread_t running[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&running[i], NULL, act, (void *)(intptr_t)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(running[i], NULL) == 0);
    }
}

void test_threads(void) {
    CHECK(bs_thread_forget() == 0);
    int64_t used = bs_pool_used();
    in_all_threads(churn);
    contested = bs_key_new();
    in_all_threads(contend);
    CHECK(bs_key_free(contested) == 0);
    CHECK(bs_key_count() == 0);
    CHECK(bs_pool_used() <= used + 4096); /* threads take their caches with them */
}

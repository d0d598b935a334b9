/* The pool that libcrypto allocates in. */
#define _GNU_SOURCE
#include "check.h"

void test_pool(void) {
    CHECK(pool_allocate(0) == NULL);
    for (size_t length = 1; length < 260000; length += length / 7 + 1) {
        uint8_t *block = pool_allocate(length);
        CHECK(block != NULL && (uintptr_t)block % 16 == 0);
        memset(block, 0xaa, length);
        block = pool_reallocate(block, length + 40);
        CHECK(block[0] == 0xaa && block[length - 1] == 0xaa);
        pool_free(block);
        CHECK(block[0] == 0 && block[length - 1] == 0); /* still mapped, because it is the pool's */
    }
    CHECK(!pool_overflowed());
    CHECK(pool_reallocate(pool_reallocate(NULL, 20), 0) == NULL);
}

/* Fills the pool: I/O goes on, and the promise is taken back. Last, because it does not come again. */
void test_overflow(void) {
    int32_t before = bs_protection();
    const struct region *region = pool_region();
    for (size_t length = 65536; length >= 16; length /= 2) {
        uint8_t *block;
        do {
            block = pool_allocate(length);
            CHECK(block != NULL);
        } while (block >= region->base && block < region->base + region->length);
    }
    CHECK(bs_protection() == (before & BS_SLOTS_LOCKED));
    /* Ordinary memory takes over, in and out, also for what no class is large enough for. */
    uint8_t *outside = pool_allocate(300000);
    CHECK(outside != NULL && (outside < region->base || outside >= region->base + region->length));
    memset(outside, 0xaa, 300000);
    outside = pool_reallocate(outside, 400000);
    CHECK(outside != NULL && outside[0] == 0xaa && outside[299999] == 0xaa);
    outside = pool_reallocate(outside, 16);
    CHECK(outside != NULL && outside[15] == 0xaa);
    pool_free(outside);
    pool_free(NULL);
    test_xts();
}

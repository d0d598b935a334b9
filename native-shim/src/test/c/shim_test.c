/*
 * Every exported function, under the sanitizers and under valgrind, with answers that do not come from libcrypto: vectors
 * of the standards, or facts that must hold. The Java tests go deeper; these see what only such a tool can see. Here is
 * the order in which they run; each file beside this one has one concern.
 */
#define _GNU_SOURCE
#include "check.h"

bool hooked = true;

void from_hex(const char *digits, uint8_t *out) {
    for (size_t i = 0; digits[2 * i] != 0; i++) {
        unsigned int value;
        CHECK(sscanf(digits + 2 * i, "%2x", &value) == 1);
        out[i] = (uint8_t)value;
    }
}

bool is_hex(const uint8_t *bytes, const char *digits) {
    uint8_t expected[512];
    from_hex(digits, expected);
    return memcmp(bytes, expected, strlen(digits) / 2) == 0;
}

int32_t key_of(const char *digits) {
    uint8_t bytes[64];
    from_hex(digits, bytes);
    int32_t handle = bs_key_new();
    CHECK(handle >= 1);
    CHECK(bs_key_set(handle, ADDRESS(bytes), (int32_t)strlen(digits) / 2) == 0);
    return handle;
}

static void before_init(int32_t flags) {
    char text[128];
    CHECK(bs_abi_version() == BS_ABI_VERSION);
    CHECK(bs_key_new() == BS_NOT_READY);
    CHECK(bs_xts_encrypt(1, ADDRESS(text), 0, 1, 512) == BS_NOT_READY);
    CHECK(bs_sha256(ADDRESS(text), 1, ADDRESS(text)) == BS_NOT_READY);
    CHECK(bs_key_capacity() == BS_NOT_READY && bs_libcrypto_version() == BS_NOT_READY && bs_protection() == 0);
    CHECK(bs_xts_engine() == BS_NOT_READY);
    CHECK(bs_init(flags, -1, 0, 0) == -EINVAL);
    CHECK(bs_init(flags, 64, 0, ADDRESS("/nonexistent/libcrypto.so")) == -ELIBACC);
    CHECK(bs_message(ADDRESS(text), sizeof text) > 0 && strstr(text, "/nonexistent/libcrypto.so") != NULL);
    CHECK(bs_message(ADDRESS(text), 5) == 4 && text[4] == 0 && bs_message(ADDRESS(text), 0) == -EINVAL);
    CHECK(bs_init(flags, 64, 0, ADDRESS("libm.so.6")) == -ELIBBAD);
    CHECK(bs_thread_forget() == 0);
}

static void echo_and_blocks(void) {
    CHECK(bs_echo5(0, 0, 0, 1, 2) == 1000005);
    CHECK(bs_echo5(-1, INT64_MIN, INT64_MAX, -1, -1) != bs_echo5(-1, INT64_MAX, INT64_MIN, -1, -1));
    CHECK(bs_block_bytes(BS_BLOCK_HMAC) == 160 && bs_block_bytes(BS_BLOCK_HKDF) == 80);
    CHECK(bs_block_bytes(BS_BLOCK_GCM) == 56 && bs_block_bytes(BS_BLOCK_DEK) == 64);
    CHECK(bs_block_bytes(BS_BLOCK_FILE_INFO) == 80 && bs_block_bytes(0) == -EINVAL);
}

/* As on a machine that refuses locked memory, where somebody else uses libcrypto as well: all works, less is promised. */
static void without_protection(void) {
    hooked = false;
    before_init(BS_INIT_NO_LOCK | BS_INIT_NO_HOOKS);
    CHECK(bs_init(BS_INIT_NO_LOCK | BS_INIT_NO_HOOKS, 64, 0, 0) == 0);
    CHECK(bs_protection() == 0);
    test_keys();
    with_each_xts(test_xts);
    test_xts_engines();
    test_mac();
    test_wrapping();
    test_refusals();
    test_failures();
    with_each_xts(test_threads);
    printf("shim_test: passed without protection\n");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "unprotected") == 0) {
        without_protection();
        return 0;
    }
    before_init(0);
    CHECK(bs_init(0, 64, 0, 0) == 0 && bs_init(0, 1, 0, 0) == 0);
    CHECK(bs_libcrypto_version() >= 0x30000000 && bs_pool_used() > 0);
    printf("libcrypto %llx, protection %d, pool in use %lld, xts %d\n", (unsigned long long)bs_libcrypto_version(),
           bs_protection(), (long long)bs_pool_used(), bs_xts_engine());
    CHECK((bs_protection() & BS_UNDUMPABLE) != 0 && (bs_protection() & BS_NO_FORK) != 0);
    echo_and_blocks();
    test_keys();
    with_each_xts(test_xts);
    test_xts_engines();
    test_mac();
    test_wrapping();
    test_files();
    test_rings();
    test_memory();
    test_refusals();
    test_failures();
    test_guards();
    with_each_xts(test_threads);
    test_pool();
    test_overflow();
    printf("shim_test: passed, pool in use %lld\n", (long long)bs_pool_used());
    return 0;
}

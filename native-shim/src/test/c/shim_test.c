/*
 * Every exported function once, under the sanitizers, with answers that do not come from libcrypto: vectors of the
 * standards, or facts that must hold. The Java tests go deeper; this one sees what only a sanitizer can see.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESS(pointer) ((int64_t)(uintptr_t)(pointer))
#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                          \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

static bool hooked = true; /* libcrypto allocates in our pool */

static void from_hex(const char *digits, uint8_t *out) {
    for (size_t i = 0; digits[2 * i] != 0; i++) {
        unsigned int value;
        CHECK(sscanf(digits + 2 * i, "%2x", &value) == 1);
        out[i] = (uint8_t)value;
    }
}

static bool is_hex(const uint8_t *bytes, const char *digits) {
    uint8_t expected[512];
    from_hex(digits, expected);
    return memcmp(bytes, expected, strlen(digits) / 2) == 0;
}

static int32_t key_of(const char *digits) {
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

static void keys(void) {
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

/* IEEE 1619, vector 10; only its beginning and end. */
static void xts(void) {
    int32_t handle = key_of("2718281828459045235360287471352662497757247093699959574966967627"
                            "3141592653589793238462643383279502884197169399375105820974944592");
    uint8_t *unit = malloc(512), *big = malloc(1 << 20); /* on the heap, so that an overrun is seen */
    for (int i = 0; i < 512; i++) {
        unit[i] = (uint8_t)i;
    }
    CHECK(bs_xts_encrypt(handle, ADDRESS(unit), 0xff, 1, 512) == 0);
    CHECK(is_hex(unit, "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"));
    CHECK(bs_xts_decrypt(handle, ADDRESS(unit), 0xff, 1, 512) == 0);
    CHECK(unit[0] == 0 && unit[1] == 1 && unit[511] == 255);

    memset(unit, 0, 512);
    CHECK(bs_xts_decrypt_sparse(handle, ADDRESS(unit), 5, 1, 512) == 1 && unit[0] == 0 && unit[511] == 0);
    CHECK(bs_xts_decrypt(handle, ADDRESS(unit), 5, 1, 512) == 0);
    CHECK(bs_xts_encrypt(handle, ADDRESS(unit), 5, 1, 512) == 1 && unit[0] == 0 && unit[511] == 0);

    memset(big, 7, 1 << 20);
    CHECK(bs_xts_encrypt(handle, ADDRESS(big), INT64_MAX - 300, 256, 4096) == 0);
    CHECK(bs_xts_decrypt_sparse(handle, ADDRESS(big), INT64_MAX - 300, 256, 4096) == 0);
    CHECK(big[0] == 7 && big[(1 << 20) - 1] == 7);
    CHECK(bs_xts_encrypt(handle, ADDRESS(big), 0, 1, 100) == -EINVAL);
    CHECK(bs_xts_encrypt(handle, ADDRESS(big), -1, 1, 512) == -EINVAL);

    int64_t used = bs_pool_used();
    CHECK(bs_key_free(handle) == 0);
    CHECK(!hooked || bs_pool_used() < used); /* the schedules are gone already */
    CHECK(bs_xts_encrypt(handle, ADDRESS(big), 0, 1, 512) == BS_KEY_STALE);
    free(unit);
    free(big);
}

static void mac(void) {
    uint8_t out[64];
    CHECK(bs_sha256(ADDRESS("abc"), 3, ADDRESS(out)) == 0);
    CHECK(is_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    /* RFC 4231, test case 2 */
    int32_t jefe = key_of("4a656665");
    CHECK(bs_hmac_sha256(jefe, 4, ADDRESS("what do ya want for nothing?"), 28, ADDRESS(out)) == 0);
    CHECK(is_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    struct bs_hmac_block parts = {.key_handle = jefe, .key_length = 4, .out_address = ADDRESS(out), .part_count = 3};
    parts.parts[0].address = ADDRESS("what do ya ");
    parts.parts[0].length = 11;
    parts.parts[2].address = ADDRESS("want for nothing?");
    parts.parts[2].length = 17;
    memset(out, 0, sizeof out);
    CHECK(bs_hmac_sha256_parts(ADDRESS(&parts)) == 0);
    CHECK(is_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    parts.part_count = 9;
    CHECK(bs_hmac_sha256_parts(ADDRESS(&parts)) == -EINVAL);
    /* RFC 5869, test case 1 */
    uint8_t salt[13], info[10];
    from_hex("000102030405060708090a0b0c", salt);
    from_hex("f0f1f2f3f4f5f6f7f8f9", info);
    int32_t ikm = key_of("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), okm = bs_key_new();
    struct bs_hkdf_block hkdf = {.key_handle = ikm, .key_length = 22, .salt_address = ADDRESS(salt), .salt_length = 13,
                                 .info_address = ADDRESS(info), .info_length = 10, .out_handle = okm, .out_length = 42};
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == 0 && bs_key_get(okm, ADDRESS(out), 42) == 0);
    CHECK(is_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
    CHECK(bs_key_free(ikm) == 0 && bs_key_free(okm) == 0 && bs_key_free(jefe) == 0);
}

static void wrapping(void) {
    /* GCM specification (McGrew, Viega), test case 16 */
    uint8_t nonce[12], aad[20], blob[80], out[64];
    from_hex("cafebabefacedbaddecaf888", nonce);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    int32_t kek = key_of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    int32_t key = key_of("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    int32_t back = bs_key_new();
    struct bs_gcm_block gcm = {.kek_handle = kek, .key_handle = key, .key_length = 60, .nonce_address = ADDRESS(nonce),
                               .aad_address = ADDRESS(aad), .aad_length = 20, .blob_address = ADDRESS(blob)};
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == 0);
    CHECK(is_hex(blob, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                       "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                       "76fc6ece0f4e1768cddf8853bb2d551b"));
    gcm.key_handle = back;
    blob[75] ^= 1;
    CHECK(bs_gcm_unwrap(ADDRESS(&gcm)) == BS_BAD_TAG && bs_key_length(back) == 0);
    blob[75] ^= 1;
    CHECK(bs_gcm_unwrap(ADDRESS(&gcm)) == 0 && bs_key_equal(key, back, 60) == 1);

    struct bs_dek_block dek = {.twk_handle = kek, .dek_handle = key, .range_index = 7, .generation = 3,
                               .nonce_address = ADDRESS(nonce), .aad_address = ADDRESS(aad), .aad_length = 20,
                               .blob_address = ADDRESS(blob)};
    CHECK(bs_dek_wrap(ADDRESS(&dek)) == BS_KEY_EMPTY);
    CHECK(bs_key_random(key, 64) == 0 && bs_dek_wrap(ADDRESS(&dek)) == 0);
    dek.dek_handle = back;
    CHECK(bs_dek_unwrap(ADDRESS(&dek)) == 0 && bs_key_equal(key, back, 64) == 1);
    uint8_t unit[512] = {0};
    CHECK(bs_thread_forget() == 0);
    int64_t used = bs_pool_used();
    CHECK(bs_xts_encrypt(back, ADDRESS(unit), 0, 1, 512) == 0);
    CHECK(!hooked || bs_pool_used() > used);
    int64_t held = bs_pool_used();
    CHECK(bs_dek_unwrap(ADDRESS(&dek)) == 0 && bs_key_equal(key, back, 64) == 1);
    CHECK(!hooked || bs_pool_used() < held); /* the schedule of the key before is gone */
    CHECK(bs_xts_decrypt(back, ADDRESS(unit), 0, 1, 512) == 0 && unit[0] == 0 && unit[511] == 0);
    dek.generation = 4;
    CHECK(bs_dek_unwrap(ADDRESS(&dek)) == BS_BAD_TAG);
    dek.generation = -1;
    CHECK(bs_dek_unwrap(ADDRESS(&dek)) == -EINVAL);

    /* Wycheproof, AES-KWP, test 167 */
    int32_t kwp = key_of("38e1b1d075d9d852b9a6c01c8ff6965af01bac457a4e339ae3e1d7b2ffacc0cd");
    int32_t vk = key_of("80ad6820f1c90981e2ca42b817a345c1179d0a11d8e23a8adc0505e13d87295a");
    CHECK(bs_kwp_wrap(kwp, vk, 32, ADDRESS(blob)) == 40);
    CHECK(is_hex(blob, "b63b7e0fec7e315816233db6758fd3e744b9f6a40862bdf866487e53bcb950d8b2649269e51b4475"));
    CHECK(bs_kwp_unwrap(kwp, back, 32, ADDRESS(blob)) == 0 && bs_key_equal(vk, back, 32) == 1);
    CHECK(bs_kwp_unwrap(kwp, back, 31, ADDRESS(blob)) == BS_BAD_TAG);
    blob[0] ^= 1;
    CHECK(bs_kwp_unwrap(kwp, back, 32, ADDRESS(blob)) == BS_BAD_TAG && bs_key_get(back, ADDRESS(out), 32) == 0);
    CHECK(bs_key_free(kek) == 0 && bs_key_free(key) == 0 && bs_key_free(back) == 0 && bs_key_free(kwp) == 0 &&
          bs_key_free(vk) == 0);
}

static void files(void) {
    char path[] = "/tmp/blockseal-shim-test-XXXXXX";
    close(mkstemp(path));
    char *buffer = malloc(8192);
    memset(buffer, 'x', 8192);
    int32_t fd = bs_open(ADDRESS(path), BS_OPEN_WRITE), other = bs_open(ADDRESS(path), 0);
    CHECK(fd >= 0 && other >= 0);
    CHECK(bs_open(ADDRESS(path), BS_OPEN_WRITE | BS_OPEN_CREATE | BS_OPEN_EXCLUSIVE) == -EEXIST);
    CHECK(bs_open(ADDRESS(path), BS_OPEN_DIRECTORY) == -ENOTDIR);
    CHECK(bs_lock(fd) == 0 && bs_lock(other) == -EWOULDBLOCK);
    CHECK(bs_pwrite(fd, ADDRESS(buffer), 8192, 4096) == 8192);
    CHECK(bs_pwrite_dsync(fd, ADDRESS(buffer), 100, 0) == 100);
    CHECK(bs_pwrite(other, ADDRESS(buffer), 1, 0) == -EBADF && bs_pwrite(fd, ADDRESS(buffer), 1, -1) == -EINVAL);
    memset(buffer, 0, 8192);
    CHECK(bs_pread(fd, ADDRESS(buffer), 8192, 8192) == 4096 && buffer[4095] == 'x');
    CHECK(bs_pread(fd, ADDRESS(buffer), 8192, 1 << 20) == 0 && bs_pread(-1, ADDRESS(buffer), 1, 0) == -EBADF);
    int64_t now = bs_pread_nowait(fd, ADDRESS(buffer), 100, 0);
    CHECK(now == 100 || now == -EAGAIN || now == -EOPNOTSUPP);
    CHECK(bs_fdatasync(fd) == 0 && bs_fsync(fd) == 0 && bs_fdatasync(-1) == -EBADF);
    struct bs_file_info info;
    CHECK(bs_file_info(fd, ADDRESS(&info)) == 0 && info.type == BS_FILE_REGULAR && info.size_bytes == 12288);
    CHECK(bs_ftruncate(fd, 1 << 20) == 0 && bs_file_info(fd, ADDRESS(&info)) == 0 && info.size_bytes == 1 << 20);
    int32_t punched = bs_fallocate(fd, BS_FALLOCATE_PUNCH_HOLE | BS_FALLOCATE_KEEP_SIZE, 0, 12288);
    CHECK(punched == 0 || punched == -EOPNOTSUPP);
    CHECK(bs_seek_hole(fd, 0) >= 0 && bs_seek_data(fd, 2 << 20) == -ENXIO);
    CHECK(bs_block_discard(fd, 0, 512) < 0 && bs_block_zeroout(fd, 0, 512) < 0 && bs_block_zeroout(fd, -1, 1) < 0);
    CHECK(bs_close(other) == 0 && bs_close(fd) == 0 && bs_close(fd) == -EBADF);
    unlink(path);
    free(buffer);
}

static void memory(void) {
    uint8_t one[32] = {1}, two[32] = {1};
    int64_t pages = bs_map(1 << 20, BS_MAP_PREFAULT);
    CHECK(pages > 0 && pages % 4096 == 0 && *(uint8_t *)AT(pages) == 0);
    memset(AT(pages), 1, 1 << 20);
    CHECK(bs_unmap(pages, 1 << 20) == 0 && bs_map(0, 0) == -EINVAL);
    CHECK(bs_equal(ADDRESS(one), ADDRESS(two), 32) == 1);
    two[31] = 1;
    CHECK(bs_equal(ADDRESS(one), ADDRESS(two), 32) == 0);
    CHECK(bs_random(ADDRESS(one), 32) == 0 && memcmp(one, two, 32) != 0 && bs_random(ADDRESS(one), -1) == -EINVAL);
    CHECK(bs_wipe(ADDRESS(two), 32) == 0 && two[0] == 0 && two[31] == 0);
    CHECK(bs_set_undumpable() == 0);
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

static void guarded(void) {
    CHECK(dies(before_the_slots));
    CHECK(dies(in_the_child)); /* children do not have the region at all */
}

static void pool(void) {
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

static void in_all_threads(void *(*act)(void *)) {
    pthread_t running[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&running[i], NULL, act, (void *)(intptr_t)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(running[i], NULL) == 0);
    }
}

static void threads(void) {
    CHECK(bs_thread_forget() == 0);
    int64_t used = bs_pool_used();
    in_all_threads(churn);
    contested = bs_key_new();
    in_all_threads(contend);
    CHECK(bs_key_free(contested) == 0);
    CHECK(bs_key_count() == 0);
    CHECK(bs_pool_used() <= used + 4096); /* threads take their caches with them */
}

/* Fills the pool: I/O goes on, and the promise is taken back. Last, because it does not come again. */
static void overflow(void) {
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
    xts();
}

/* As on a machine that refuses locked memory, where somebody else uses libcrypto as well: all works, less is promised. */
static void without_protection(void) {
    hooked = false;
    before_init(BS_INIT_NO_LOCK | BS_INIT_NO_HOOKS);
    CHECK(bs_init(BS_INIT_NO_LOCK | BS_INIT_NO_HOOKS, 64, 0, 0) == 0);
    CHECK(bs_protection() == 0);
    keys();
    xts();
    mac();
    wrapping();
    threads();
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
    printf("libcrypto %llx, protection %d, pool in use %lld\n", (unsigned long long)bs_libcrypto_version(),
           bs_protection(), (long long)bs_pool_used());
    CHECK((bs_protection() & BS_UNDUMPABLE) != 0 && (bs_protection() & BS_NO_FORK) != 0);
    echo_and_blocks();
    keys();
    xts();
    mac();
    wrapping();
    files();
    memory();
    guarded();
    threads();
    pool();
    overflow();
    printf("shim_test: passed, pool in use %lld\n", (long long)bs_pool_used());
    return 0;
}

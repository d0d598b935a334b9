/* Arguments that make no sense: each is refused by a number, before a byte is touched. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

enum { BEYOND = 65 }; /* more than a key has bytes */

static void of_keys(void) {
    uint8_t bytes[64] = {1};
    int32_t key = bs_key_new();
    CHECK(bs_key_set(key, ADDRESS(bytes), 0) == -EINVAL && bs_key_set(0, ADDRESS(bytes), 1) == -EINVAL);
    CHECK(bs_key_get(key, ADDRESS(bytes), 0) == -EINVAL && bs_key_get(key, ADDRESS(bytes), BEYOND) == BS_KEY_EMPTY);
    CHECK(bs_key_random(key, BEYOND) == -EINVAL && bs_key_random(-1, 1) == -EINVAL && bs_key_clear(0) == -EINVAL);
    CHECK(bs_key_equal(key, key, 0) == -EINVAL && bs_key_equal(key, key, 1) == BS_KEY_EMPTY);
    CHECK(bs_key_equal(0, key, 1) == -EINVAL);
    CHECK(bs_key_set(key, ADDRESS(bytes), 64) == 0 && bs_key_clear(key) == 0 && bs_key_length(key) == 0);
    CHECK(bs_key_set(key, ADDRESS(bytes), 1) == 0 && bs_key_equal(key, 0, 1) == -EINVAL);
    CHECK(bs_key_free(key) == 0 && bs_key_clear(key) == BS_KEY_STALE && bs_key_free(0) == -EINVAL);
    CHECK(bs_key_set(key, ADDRESS(bytes), 1) == BS_KEY_STALE && bs_key_random(key, 1) == BS_KEY_STALE);
}

static void of_xts(void) {
    uint8_t bytes[64], unit[512] = {0};
    int32_t key = bs_key_new();
    CHECK(bs_xts_encrypt(key, ADDRESS(unit), 0, 1, 512) == BS_KEY_EMPTY);
    memset(bytes, 7, sizeof bytes); /* both halves equal: no key for XTS */
    CHECK(bs_key_set(key, ADDRESS(bytes), 64) == 0);
    CHECK(bs_xts_encrypt(key, ADDRESS(unit), 0, 1, 512) == BS_KEY_REJECTED);
    CHECK(bs_xts_decrypt(key, ADDRESS(unit), 0, 1, 512) == BS_KEY_REJECTED);
    CHECK(bs_key_random(key, 64) == 0);
    CHECK(bs_xts_encrypt(key, 0, 0, 1, 512) == -EINVAL && bs_xts_encrypt(key, ADDRESS(unit), 0, -1, 512) == -EINVAL);
    CHECK(bs_xts_decrypt(key, ADDRESS(unit), 0, INT64_MAX, 512) == -EINVAL);
    CHECK(bs_xts_decrypt(key, ADDRESS(unit), INT64_MAX, 1, 512) == -EINVAL);
    CHECK(bs_xts_decrypt_sparse(key, ADDRESS(unit), 0, 1, INT32_MAX) == -EINVAL);
    CHECK(bs_xts_encrypt(key, ADDRESS(unit), 0, 0, 512) == 0 && unit[0] == 0);
    CHECK(bs_xts_encrypt(0, ADDRESS(unit), 0, 1, 512) == -EINVAL && bs_key_free(key) == 0);
}

static void of_mac(void) {
    uint8_t out[32], long_salt[80];
    int32_t key = key_of("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), target = bs_key_new();
    CHECK(bs_sha256(ADDRESS(out), -1, ADDRESS(out)) == -EINVAL && bs_sha256(0, 0, ADDRESS(out)) == 0);
    CHECK(is_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    CHECK(bs_hmac_sha256(key, 0, ADDRESS(out), 1, ADDRESS(out)) == -EINVAL);
    CHECK(bs_hmac_sha256(key, BEYOND, ADDRESS(out), 1, ADDRESS(out)) == -EINVAL);
    CHECK(bs_hmac_sha256(key, 22, ADDRESS(out), -1, ADDRESS(out)) == -EINVAL);
    CHECK(bs_hmac_sha256(key, 23, ADDRESS(out), 1, ADDRESS(out)) == BS_KEY_EMPTY);
    struct bs_hmac_block parts = {.key_handle = key, .key_length = 22, .out_address = ADDRESS(out), .part_count = -1};
    CHECK(bs_hmac_sha256_parts(ADDRESS(&parts)) == -EINVAL);
    parts.part_count = 1;
    parts.parts[0].length = -1;
    CHECK(bs_hmac_sha256_parts(ADDRESS(&parts)) == -EINVAL);

    struct bs_hkdf_block hkdf = {.key_handle = key, .key_length = 22, .out_handle = target, .out_length = BEYOND};
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == -EINVAL);
    hkdf.out_length = 0;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == -EINVAL);
    hkdf.out_length = 32;
    hkdf.key_length = 23;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == BS_KEY_EMPTY && bs_key_length(target) == 0);
    hkdf.key_length = 22;
    hkdf.salt_length = -1;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == -EINVAL);
    /* A salt longer than a block counts as its digest. */
    memset(long_salt, 3, sizeof long_salt);
    hkdf.salt_address = ADDRESS(long_salt);
    hkdf.salt_length = sizeof long_salt;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == 0 && bs_sha256(ADDRESS(long_salt), 80, ADDRESS(out)) == 0);
    int32_t same = bs_key_new();
    hkdf.out_handle = same;
    hkdf.salt_address = ADDRESS(out);
    hkdf.salt_length = 32;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == 0 && bs_key_equal(same, target, 32) == 1);
    /* Expanding alone, to the longest output there is and not a byte more. */
    uint8_t *most = malloc(255 * 32 + 1);
    hkdf.expand_only = 1;
    hkdf.out_handle = 0;
    hkdf.out_address = ADDRESS(most);
    hkdf.out_length = 255 * 32;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == 0);
    hkdf.out_length++;
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == -EINVAL);
    free(most);
    CHECK(bs_key_free(key) == 0 && bs_key_free(target) == 0 && bs_key_free(same) == 0);
}

static void of_wrapping(void) {
    uint8_t nonce[12] = {0}, blob[96] = {0}, halves[64];
    int32_t kek = bs_key_new(), key = bs_key_new();
    CHECK(bs_key_random(kek, 32) == 0 && bs_key_random(key, 64) == 0);
    struct bs_gcm_block gcm = {.kek_handle = kek, .key_handle = key, .key_length = BEYOND,
                               .nonce_address = ADDRESS(nonce), .blob_address = ADDRESS(blob)};
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == -EINVAL && bs_gcm_unwrap(ADDRESS(&gcm)) == -EINVAL);
    gcm.key_length = 64;
    gcm.aad_length = (1 << 20) + 1;
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == -EINVAL);
    gcm.aad_length = 0; /* none at all is allowed */
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == 0 && bs_gcm_unwrap(ADDRESS(&gcm)) == 0);
    gcm.kek_handle = 0;
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == -EINVAL && bs_gcm_unwrap(ADDRESS(&gcm)) == -EINVAL);
    gcm.kek_handle = kek;
    gcm.key_handle = 0;
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == -EINVAL && bs_gcm_unwrap(ADDRESS(&gcm)) == -EINVAL);

    struct bs_dek_block dek = {.twk_handle = kek, .dek_handle = key, .range_index = -1, .generation = 1,
                               .nonce_address = ADDRESS(nonce), .blob_address = ADDRESS(blob)};
    CHECK(bs_dek_wrap(ADDRESS(&dek)) == -EINVAL && bs_dek_unwrap(ADDRESS(&dek)) == -EINVAL);
    dek.range_index = INT64_MAX;
    dek.generation = (int64_t)UINT32_MAX + 1;
    CHECK(bs_dek_wrap(ADDRESS(&dek)) == -EINVAL);
    dek.generation = UINT32_MAX;
    CHECK(bs_dek_wrap(ADDRESS(&dek)) == 0 && bs_dek_unwrap(ADDRESS(&dek)) == 0);
    dek.twk_handle = 0;
    CHECK(bs_dek_wrap(ADDRESS(&dek)) == -EINVAL && bs_dek_unwrap(ADDRESS(&dek)) == -EINVAL);
    dek.twk_handle = kek;
    memset(halves, 9, sizeof halves);
    CHECK(bs_key_set(key, ADDRESS(halves), 64) == 0 && bs_dek_wrap(ADDRESS(&dek)) == BS_KEY_REJECTED);
    /* Whoever has the wrapping key can wrap such a key all the same; it must not come out. */
    uint8_t info[3 + 8 + 4] = "dek";
    memset(info + 3 + 8, 0xff, 4);
    for (int i = 0; i < 8; i++) {
        info[3 + i] = i == 7 ? 0x7f : 0xff;
    }
    int32_t entry = bs_key_new(), back = bs_key_new();
    struct bs_hkdf_block hkdf = {.key_handle = kek, .key_length = 32, .info_address = ADDRESS(info), .expand_only = 1,
                                 .info_length = sizeof info, .out_handle = entry, .out_length = 32};
    CHECK(bs_hkdf_sha256(ADDRESS(&hkdf)) == 0);
    gcm.kek_handle = entry;
    gcm.key_handle = key;
    dek.dek_handle = back;
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == 0 && bs_dek_unwrap(ADDRESS(&dek)) == BS_KEY_REJECTED);
    CHECK(bs_key_length(back) == 0 && bs_key_random(key, 64) == 0);
    CHECK(bs_gcm_wrap(ADDRESS(&gcm)) == 0 && bs_dek_unwrap(ADDRESS(&dek)) == 0 && bs_key_equal(key, back, 64) == 1);
    CHECK(bs_key_free(entry) == 0 && bs_key_free(back) == 0);
    CHECK(bs_kwp_wrap(kek, key, 0, ADDRESS(blob)) == -EINVAL && bs_kwp_wrap(kek, key, BEYOND, ADDRESS(blob)) == -EINVAL);
    CHECK(bs_kwp_unwrap(kek, key, 0, ADDRESS(blob)) == -EINVAL && bs_kwp_unwrap(0, key, 32, ADDRESS(blob)) == -EINVAL);
    CHECK(bs_kwp_wrap(0, key, 32, ADDRESS(blob)) == -EINVAL && bs_kwp_wrap(kek, 0, 32, ADDRESS(blob)) == -EINVAL);
    for (int32_t length = 1; length <= 64; length++) {
        CHECK(bs_key_random(key, length) == 0);
        int32_t bytes = bs_kwp_wrap(kek, key, length, ADDRESS(blob));
        int32_t back = bs_key_new();
        CHECK(bytes == (length + 7) / 8 * 8 + 8 && bs_kwp_unwrap(kek, back, length, ADDRESS(blob)) == 0);
        CHECK(bs_key_equal(key, back, length) == 1 && bs_key_length(back) == length && bs_key_free(back) == 0);
    }
    CHECK(bs_key_free(kek) == 0 && bs_key_free(key) == 0);
}

static void of_files(void) {
    char byte = 0;
    struct bs_file_info info;
    CHECK(bs_open(ADDRESS("/nonexistent/x"), 0) == -ENOENT);
    int32_t null = bs_open(ADDRESS("/dev/null"), BS_OPEN_WRITE), full = bs_open(ADDRESS("/dev/full"), BS_OPEN_WRITE);
    CHECK(null >= 0 && full >= 0);
    CHECK(bs_pread(null, ADDRESS(&byte), -1, 0) == -EINVAL && bs_pread(null, ADDRESS(&byte), 1, -1) == -EINVAL);
    CHECK(bs_pread_nowait(null, ADDRESS(&byte), -1, 0) == -EINVAL && bs_pread_nowait(-1, ADDRESS(&byte), 1, 0) < 0);
    CHECK(bs_pwrite(null, ADDRESS(&byte), -1, 0) == -EINVAL && bs_pwrite_dsync(-1, ADDRESS(&byte), 1, 0) == -EBADF);
    CHECK(bs_pwrite(full, ADDRESS(&byte), 1, 0) == -ENOSPC && bs_pwrite_dsync(full, ADDRESS(&byte), 1, 0) == -ENOSPC);
    CHECK(bs_file_info(null, ADDRESS(&info)) == 0 && info.type == BS_FILE_OTHER && bs_file_info(-1, ADDRESS(&info)) == -EBADF);
    CHECK(bs_fsync(-1) == -EBADF && bs_ftruncate(-1, 0) == -EBADF && bs_fallocate(-1, 0, 0, 1) == -EBADF);
    CHECK(bs_seek_data(-1, 0) == -EBADF && bs_seek_hole(-1, 0) == -EBADF && bs_lock(-1, 0) == -EBADF && bs_lock(-1, 1) == -EBADF);
    CHECK(bs_drop_cache(-1, 0, 0) == -EBADF && bs_drop_cache(null, -1, 0) == -EINVAL && bs_drop_cache(null, 0, -1) == -EINVAL);
    CHECK(bs_block_discard(null, -1, 0) == -EINVAL && bs_block_zeroout(null, 0, -1) == -EINVAL);
    CHECK(bs_close(null) == 0 && bs_close(full) == 0 && bs_close(-1) == -EBADF);
}

static void of_memory(void) {
    uint8_t one[1] = {0};
    CHECK(bs_map(-1, 0) == -EINVAL && bs_map(INT64_MAX, 0) < 0 && bs_unmap(1, 4096) == -EINVAL);
    CHECK(bs_reserve(0) == -EINVAL && bs_reserve(-1) == -EINVAL && bs_reserve((2 << 20) + 4096) == -EINVAL);
    CHECK(bs_reserve(INT64_MAX / (4 << 20) * (2 << 20)) < 0);
    CHECK(bs_populate(1 << 20, 0) == -EINVAL && bs_populate(1 << 20, INT64_MAX) == -EINVAL);
    CHECK(bs_populate(0, 4096) == -EINVAL && bs_populate(-1, 4096) == -EINVAL);
    CHECK(bs_wipe(ADDRESS(one), -1) == -EINVAL && bs_equal(ADDRESS(one), ADDRESS(one), -1) == -EINVAL);
    CHECK(bs_random(ADDRESS(one), 0) == 0 && bs_equal(0, 0, 0) == 1);
    int64_t locked = bs_map(4096, BS_MAP_LOCK);
    CHECK(locked > 0 || (locked < 0 && locked > -4096)); /* a machine may refuse to lock memory */
    CHECK(locked < 0 || bs_unmap(locked, 4096) == 0);
    CHECK(bs_block_bytes(-1) == -EINVAL && bs_block_bytes(99) == -EINVAL);
}

void test_refusals(void) {
    of_keys();
    of_xts();
    of_mac();
    of_wrapping();
    of_files();
    of_memory();
    CHECK(bs_key_count() == 0);
}

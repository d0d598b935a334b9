/* Ciphers, digests and wrapping, against vectors of the standards or facts that must hold. */
#define _GNU_SOURCE
#include "check.h"

/* IEEE 1619, vector 10; only its beginning and end. */
void test_xts(void) {
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

void test_mac(void) {
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

void test_wrapping(void) {
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

/*
 * libcrypto says no, memory is gone, another thread frees the key in the middle of it: functions of libcrypto are
 * replaced by ones that do just that. Nothing may be left behind then: no result, no plain key, no stuck cache.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>

static struct libcrypto real;
static int32_t victim; /* freed in the middle of a call */
static int calls_until_then;

static void free_victim(void) {
    if (victim != 0 && calls_until_then-- == 0) {
        CHECK(bs_key_free(victim) == 0);
    }
}

static int fails(void) {
    return 0;
}

static struct evp_cipher_ctx *no_cipher_context(void) {
    return NULL;
}

static struct evp_md_ctx *no_digest_context(void) {
    return NULL;
}

static int frees_then_digests(struct evp_md_ctx *context, uint8_t *out, unsigned int *length) {
    free_victim();
    return real.EVP_DigestFinal_ex(context, out, length);
}

static int frees_then_encrypts(
    struct evp_cipher_ctx *context, const struct evp_cipher *cipher, const uint8_t *key, const uint8_t *iv, const void *more) {
    int done = real.EVP_EncryptInit_ex2(context, cipher, key, iv, more);
    free_victim();
    return done;
}

static int frees_then_decrypts(
    struct evp_cipher_ctx *context, const struct evp_cipher *cipher, const uint8_t *key, const uint8_t *iv, const void *more) {
    int done = real.EVP_DecryptInit_ex2(context, cipher, key, iv, more);
    free_victim();
    return done;
}

/* Everything that one call of each kind needs. */
struct fixture {
    int32_t kek, key, target;
    uint8_t nonce[12], aad[20], blob[96], out[64], unit[512];
    struct bs_gcm_block gcm;
    struct bs_dek_block dek;
    struct bs_hkdf_block hkdf;
    struct bs_hmac_block hmac;
};

static void set_up(struct fixture *f) {
    memset(f, 0, sizeof *f);
    f->kek = bs_key_new();
    f->key = bs_key_new();
    f->target = bs_key_new();
    CHECK(bs_key_random(f->kek, 32) == 0 && bs_key_random(f->key, 64) == 0);
    f->gcm = (struct bs_gcm_block){.kek_handle = f->kek, .key_handle = f->key, .key_length = 64,
                                   .nonce_address = ADDRESS(f->nonce), .aad_address = ADDRESS(f->aad), .aad_length = 20,
                                   .blob_address = ADDRESS(f->blob)};
    f->dek = (struct bs_dek_block){.twk_handle = f->kek, .dek_handle = f->key, .range_index = 1, .generation = 1,
                                   .nonce_address = ADDRESS(f->nonce), .aad_address = ADDRESS(f->aad), .aad_length = 20,
                                   .blob_address = ADDRESS(f->blob)};
    f->hkdf = (struct bs_hkdf_block){.key_handle = f->kek, .key_length = 32, .out_handle = f->target, .out_length = 32};
    f->hmac = (struct bs_hmac_block){.key_handle = f->kek, .key_length = 32, .out_address = ADDRESS(f->out)};
}

static void tear_down(struct fixture *f) {
    crypto = real;
    victim = 0;
    int32_t all[] = {f->kek, f->key, f->target};
    for (int i = 0; i < 3; i++) {
        int32_t error = bs_key_free(all[i]);
        CHECK(error == 0 || error == BS_KEY_STALE);
    }
    CHECK(bs_key_count() == 0);
}

static bool is_zero(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* After a call that failed the same call must work: nothing stays locked, no error is remembered. */
static void all_is_well(struct fixture *f) {
    crypto = real;
    victim = 0;
    f->gcm.key_handle = f->key;
    f->dek.dek_handle = f->key;
    CHECK(bs_gcm_wrap(ADDRESS(&f->gcm)) == 0 && bs_dek_wrap(ADDRESS(&f->dek)) == 0);
    f->dek.dek_handle = f->target;
    CHECK(bs_dek_unwrap(ADDRESS(&f->dek)) == 0 && bs_key_equal(f->key, f->target, 64) == 1);
    CHECK(bs_key_clear(f->target) == 0);
}

static void when_digests_fail(void) {
    struct fixture f;
    set_up(&f);
    all_is_well(&f);
    crypto.EVP_DigestFinal_ex = (int (*)(struct evp_md_ctx *, uint8_t *, unsigned int *))(void *)fails;
    CHECK(bs_sha256(ADDRESS("abc"), 3, ADDRESS(f.out)) == BS_CRYPTO_FAILED);
    CHECK(bs_hmac_sha256(f.kek, 32, ADDRESS("abc"), 3, ADDRESS(f.out)) == BS_CRYPTO_FAILED);
    CHECK(bs_hmac_sha256_parts(ADDRESS(&f.hmac)) == BS_CRYPTO_FAILED);
    CHECK(bs_hkdf_sha256(ADDRESS(&f.hkdf)) == BS_CRYPTO_FAILED && bs_key_length(f.target) == 0);
    f.hkdf.expand_only = 1;
    CHECK(bs_hkdf_sha256(ADDRESS(&f.hkdf)) == BS_CRYPTO_FAILED && bs_key_length(f.target) == 0);
    uint8_t salt[65] = {1};
    f.hkdf.expand_only = 0;
    f.hkdf.salt_address = ADDRESS(salt);
    f.hkdf.salt_length = sizeof salt;
    CHECK(bs_hkdf_sha256(ADDRESS(&f.hkdf)) == BS_CRYPTO_FAILED);
    f.hkdf.out_handle = 0;
    f.hkdf.out_address = ADDRESS(f.out);
    memset(f.out, 7, sizeof f.out);
    CHECK(bs_hkdf_sha256(ADDRESS(&f.hkdf)) == BS_CRYPTO_FAILED && is_zero(f.out, 32));
    CHECK(bs_dek_wrap(ADDRESS(&f.dek)) != 0 && bs_dek_unwrap(ADDRESS(&f.dek)) == BS_CRYPTO_FAILED);
    CHECK(bs_key_length(f.target) == 0);
    all_is_well(&f);
    crypto.EVP_DigestInit_ex2 = (int (*)(struct evp_md_ctx *, const struct evp_md *, const void *))(void *)fails;
    CHECK(bs_sha256(ADDRESS("abc"), 3, ADDRESS(f.out)) == BS_CRYPTO_FAILED);
    all_is_well(&f);
    tear_down(&f);
}

static void when_ciphers_fail(void) {
    struct fixture f;
    set_up(&f);
    all_is_well(&f);
    crypto.EVP_EncryptUpdate = (int (*)(struct evp_cipher_ctx *, uint8_t *, int *, const uint8_t *, int))(void *)fails;
    crypto.EVP_DecryptUpdate = (int (*)(struct evp_cipher_ctx *, uint8_t *, int *, const uint8_t *, int))(void *)fails;
    CHECK(bs_xts_encrypt(f.key, ADDRESS(f.unit), 0, 1, 512) == BS_CRYPTO_FAILED);
    CHECK(bs_xts_decrypt(f.key, ADDRESS(f.unit), 0, 1, 512) == BS_CRYPTO_FAILED);
    CHECK(bs_gcm_wrap(ADDRESS(&f.gcm)) == BS_CRYPTO_FAILED && bs_kwp_wrap(f.kek, f.key, 64, ADDRESS(f.blob)) == BS_CRYPTO_FAILED);
    f.gcm.key_handle = f.dek.dek_handle = f.target;
    CHECK(bs_gcm_unwrap(ADDRESS(&f.gcm)) == BS_CRYPTO_FAILED && bs_dek_unwrap(ADDRESS(&f.dek)) == BS_CRYPTO_FAILED);
    CHECK(bs_kwp_unwrap(f.kek, f.target, 64, ADDRESS(f.blob)) == BS_BAD_TAG && bs_key_length(f.target) == 0);
    all_is_well(&f);
    CHECK(bs_thread_forget() == 0);
    crypto.EVP_EncryptInit_ex2 = (int (*)(struct evp_cipher_ctx *, const struct evp_cipher *, const uint8_t *,
                                          const uint8_t *, const void *))(void *)fails;
    crypto.EVP_DecryptInit_ex2 = crypto.EVP_EncryptInit_ex2;
    CHECK(bs_xts_encrypt(f.key, ADDRESS(f.unit), 0, 1, 512) == BS_CRYPTO_FAILED);
    CHECK(bs_xts_decrypt(f.key, ADDRESS(f.unit), 0, 1, 512) == BS_CRYPTO_FAILED);
    CHECK(bs_kwp_unwrap(f.kek, f.target, 32, ADDRESS(f.blob)) == BS_CRYPTO_FAILED);
    CHECK(bs_gcm_wrap(ADDRESS(&f.gcm)) != 0);
    all_is_well(&f);
    tear_down(&f);
}

/* On a thread of its own, which has no cache yet and does not get one. */
static void *without_memory(void *argument) {
    struct fixture *f = argument;
    CHECK(bs_sha256(ADDRESS("abc"), 3, ADDRESS(f->out)) == -ENOMEM);
    CHECK(bs_hmac_sha256(f->kek, 32, ADDRESS("abc"), 3, ADDRESS(f->out)) == -ENOMEM);
    CHECK(bs_hkdf_sha256(ADDRESS(&f->hkdf)) == -ENOMEM);
    CHECK(bs_gcm_wrap(ADDRESS(&f->gcm)) == -ENOMEM && bs_gcm_unwrap(ADDRESS(&f->gcm)) == -ENOMEM);
    CHECK(bs_dek_wrap(ADDRESS(&f->dek)) == -ENOMEM && bs_dek_unwrap(ADDRESS(&f->dek)) == -ENOMEM);
    CHECK(bs_kwp_wrap(f->kek, f->key, 64, ADDRESS(f->blob)) == -ENOMEM);
    CHECK(bs_kwp_unwrap(f->kek, f->target, 32, ADDRESS(f->blob)) == -ENOMEM);
    CHECK(bs_xts_encrypt(f->key, ADDRESS(f->unit), 0, 1, 512) == -ENOMEM && bs_thread_forget() == 0);
    return NULL;
}

/* Here there is a cache, but no room for the context of a key. */
static void *without_context(void *argument) {
    struct fixture *f = argument;
    CHECK(bs_sha256(ADDRESS("abc"), 3, ADDRESS(f->out)) == 0);
    crypto.EVP_CIPHER_CTX_new = no_cipher_context;
    CHECK(bs_xts_encrypt(f->key, ADDRESS(f->unit), 0, 1, 512) == -ENOMEM);
    CHECK(bs_xts_decrypt(f->key, ADDRESS(f->unit), 0, 1, 512) == -ENOMEM);
    crypto = real;
    CHECK(bs_xts_encrypt(f->key, ADDRESS(f->unit), 0, 1, 512) == 0);
    return NULL;
}

static void on_a_new_thread(void *(*act)(void *), struct fixture *f) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, act, f) == 0 && pthread_join(thread, NULL) == 0);
}

static void when_memory_is_gone(void) {
    struct fixture f;
    set_up(&f);
    int64_t used = bs_pool_used();
    crypto.EVP_CIPHER_CTX_new = no_cipher_context;
    on_a_new_thread(without_memory, &f);
    crypto = real;
    crypto.EVP_MD_CTX_new = no_digest_context;
    on_a_new_thread(without_memory, &f);
    crypto = real;
    CHECK(!hooked || bs_pool_used() <= used); /* what was made before the failure is given back */
    on_a_new_thread(without_context, &f);
    all_is_well(&f);
    tear_down(&f);
}

/* The n-th inner step of a call frees a key that the call uses: it must notice, whichever step that is. */
static void freed_within(int32_t *key, int step, bool by_digest) {
    victim = *key;
    calls_until_then = step;
    crypto = real;
    if (by_digest) {
        crypto.EVP_DigestFinal_ex = frees_then_digests;
    } else {
        crypto.EVP_EncryptInit_ex2 = frees_then_encrypts;
        crypto.EVP_DecryptInit_ex2 = frees_then_decrypts;
    }
}

static void when_a_key_is_freed_meanwhile(void) {
    struct fixture f;
    for (int which = 0; which < 12; which++) {
        set_up(&f);
        all_is_well(&f);
        CHECK(bs_kwp_wrap(f.kek, f.key, 64, ADDRESS(f.blob)) == 72);
        int32_t result = 0;
        switch (which) {
        case 0:
        case 1:
            freed_within(&f.kek, which, true);
            result = bs_hmac_sha256(f.kek, 32, ADDRESS("abc"), 3, ADDRESS(f.out));
            CHECK(is_zero(f.out, 32));
            break;
        case 2:
            freed_within(&f.kek, 1, true);
            result = bs_hkdf_sha256(ADDRESS(&f.hkdf));
            break;
        case 3:
            freed_within(&f.kek, 0, false);
            f.gcm.key_handle = f.key;
            result = bs_gcm_wrap(ADDRESS(&f.gcm));
            CHECK(is_zero(f.blob, 80));
            break;
        case 4:
            freed_within(&f.key, 0, false);
            f.gcm.key_handle = f.key;
            result = bs_gcm_wrap(ADDRESS(&f.gcm));
            CHECK(is_zero(f.blob, 80));
            break;
        case 5:
            freed_within(&f.kek, 0, false);
            f.gcm.key_handle = f.target;
            result = bs_gcm_unwrap(ADDRESS(&f.gcm));
            break;
        case 6:
            freed_within(&f.kek, 1, true);
            f.dek.dek_handle = f.key;
            result = bs_dek_wrap(ADDRESS(&f.dek));
            CHECK(is_zero(f.blob, 80));
            break;
        case 7:
            freed_within(&f.key, 0, false);
            f.dek.dek_handle = f.key;
            result = bs_dek_wrap(ADDRESS(&f.dek));
            CHECK(is_zero(f.blob, 80));
            break;
        case 8:
            freed_within(&f.kek, 0, true);
            f.dek.dek_handle = f.target;
            result = bs_dek_unwrap(ADDRESS(&f.dek));
            break;
        case 9:
            freed_within(&f.key, 0, false);
            memset(f.blob, 0, sizeof f.blob);
            result = bs_kwp_wrap(f.kek, f.key, 64, ADDRESS(f.blob));
            CHECK(is_zero(f.blob, 72));
            break;
        case 10:
            freed_within(&f.kek, 0, false);
            result = bs_kwp_unwrap(f.kek, f.target, 64, ADDRESS(f.blob));
            break;
        default:
            CHECK(bs_thread_forget() == 0);
            freed_within(&f.key, 0, false);
            result = (int32_t)bs_xts_encrypt(f.key, ADDRESS(f.unit), 0, 1, 512);
            CHECK(is_zero(f.unit, 512)); /* untouched: it was zero before, and ciphertext is not */
        }
        CHECK(result == BS_KEY_STALE && calls_until_then < 0);
        CHECK(bs_key_length(f.target) == 0 || victim == f.target);
        tear_down(&f);
    }
}

void test_failures(void) {
    real = crypto;
    /* What libcrypto does not compute cannot fail in it; xts_test.c has the same for other engines. */
    const struct xts_wide *wide = xts_wide;
    CHECK(bs_thread_forget() == 0);
    xts_wide = NULL;
    when_digests_fail();
    when_ciphers_fail();
    when_memory_is_gone();
    when_a_key_is_freed_meanwhile();
    crypto = real;
    CHECK(bs_thread_forget() == 0);
    xts_wide = wide;
}

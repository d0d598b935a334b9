/*
 * Keys under keys: AES-256-GCM with associated data, the DEK wrap of the volume format on top of it, and AES-KWP
 * (RFC 5649). Plain keys stand in slots before and after; on the way they exist only in the thread's locked room,
 * which is wiped on every path. A key slot is written only after its tag or padding has been verified.
 */
#include "shim.h"

#include <endian.h>
#include <string.h>

enum { KEK_BYTES = 32, DEK_BYTES = 64, CTRL_GET_TAG = 0x10, CTRL_SET_TAG = 0x11, FLAG_WRAP_ALLOW = 1 };

/* Frees what the context held, that is wipes it; leaves no libcrypto error behind for the next caller. */
static void clear(struct thread_cache *cache, int error) {
    crypto.EVP_CIPHER_CTX_reset(cache->wrapper);
    if (error != 0) {
        crypto.ERR_clear_error();
    }
}

struct sealed {
    const uint8_t *nonce, *aad;
    size_t aad_length;
    uint8_t *blob; /* length bytes, then the tag */
    size_t length;
};

static int seal(struct thread_cache *cache, const uint8_t *kek, const struct sealed *to, const uint8_t *plain) {
    struct evp_cipher_ctx *evp = cache->wrapper;
    int done = 0;
    uint8_t nothing[BS_TAG_BYTES];
    bool sealed = crypto.EVP_EncryptInit_ex2(evp, crypto.gcm, kek, to->nonce, NULL) == 1 &&
                  (to->aad_length == 0 ||
                   crypto.EVP_EncryptUpdate(evp, NULL, &done, to->aad, (int)to->aad_length) == 1) &&
                  crypto.EVP_EncryptUpdate(evp, to->blob, &done, plain, (int)to->length) == 1 &&
                  done == (int)to->length && crypto.EVP_EncryptFinal_ex(evp, nothing, &done) == 1 &&
                  crypto.EVP_CIPHER_CTX_ctrl(evp, CTRL_GET_TAG, BS_TAG_BYTES, to->blob + to->length) == 1;
    int error = sealed ? 0 : BS_CRYPTO_FAILED;
    clear(cache, error);
    return error;
}

/* Into cache->key, which holds garbage after BS_BAD_TAG: the caller wipes it. */
static int unseal(struct thread_cache *cache, const uint8_t *kek, const struct sealed *from) {
    struct evp_cipher_ctx *evp = cache->wrapper;
    int done = 0, error = BS_CRYPTO_FAILED;
    uint8_t nothing[BS_TAG_BYTES];
    if (crypto.EVP_DecryptInit_ex2(evp, crypto.gcm, kek, from->nonce, NULL) == 1 &&
        (from->aad_length == 0 ||
         crypto.EVP_DecryptUpdate(evp, NULL, &done, from->aad, (int)from->aad_length) == 1) &&
        crypto.EVP_DecryptUpdate(evp, cache->key, &done, from->blob, (int)from->length) == 1 &&
        done == (int)from->length &&
        crypto.EVP_CIPHER_CTX_ctrl(evp, CTRL_SET_TAG, BS_TAG_BYTES, from->blob + from->length) == 1) {
        error = crypto.EVP_DecryptFinal_ex(evp, nothing, &done) == 1 ? 0 : BS_BAD_TAG;
    }
    clear(cache, error);
    return error;
}

static int sealed_of(const struct bs_gcm_block *in, struct sealed *sealed) {
    if (in->key_length < 1 || in->key_length > BS_KEY_BYTES_MAX || in->aad_length < 0 || in->aad_length > 1 << 20) {
        return -EINVAL;
    }
    *sealed = (struct sealed){
        .nonce = AT(in->nonce_address),
        .aad = AT(in->aad_address),
        .aad_length = (size_t)in->aad_length,
        .blob = AT(in->blob_address),
        .length = (size_t)in->key_length,
    };
    return 0;
}

int32_t bs_gcm_wrap(int64_t block) {
    const struct bs_gcm_block *in = AT(block);
    struct sealed to;
    struct key_view kek, key;
    int error = sealed_of(in, &to);
    error = error == 0 ? key_view((int32_t)in->kek_handle, KEK_BYTES, &kek) : error;
    error = error == 0 ? key_view((int32_t)in->key_handle, to.length, &key) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    error = seal(cache, kek.bytes, &to, key.bytes);
    if (error == 0 && !(key_unchanged(&kek) && key_unchanged(&key))) {
        explicit_bzero(to.blob, to.length + BS_TAG_BYTES);
        error = BS_KEY_STALE;
    }
    cache_leave(cache);
    return error;
}

int32_t bs_gcm_unwrap(int64_t block) {
    const struct bs_gcm_block *in = AT(block);
    struct sealed from;
    struct key_view kek;
    int error = sealed_of(in, &from);
    error = error == 0 ? key_view((int32_t)in->kek_handle, KEK_BYTES, &kek) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    error = unseal(cache, kek.bytes, &from);
    if (!key_unchanged(&kek)) {
        error = BS_KEY_STALE;
    }
    if (error == 0) {
        error = key_put((int32_t)in->key_handle, cache->key, from.length);
    }
    explicit_bzero(cache->key, sizeof cache->key);
    cache_leave(cache);
    return error;
}

/* The key that wraps one generation of one range, into cache->derived: one block of HKDF-Expand. */
static int entry_key(struct thread_cache *cache, const struct bs_dek_block *in, const uint8_t *twk) {
    struct __attribute__((packed)) {
        char label[3];
        uint64_t range;
        uint32_t generation;
        uint8_t counter;
    } info = {{'d', 'e', 'k'}, htole64((uint64_t)in->range_index), htole32((uint32_t)in->generation), 1};
    _Static_assert(sizeof info == 3 + 8 + 4 + 1, "no padding in what is hashed");
    struct mac_part part = {&info, sizeof info};
    return hmac(cache, twk, KEK_BYTES, &part, 1, cache->derived);
}

static int dek_sealed_of(const struct bs_dek_block *in, struct sealed *sealed) {
    if (in->range_index < 0 || in->generation < 0 || in->generation > UINT32_MAX || in->aad_length < 0 ||
        in->aad_length > 1 << 20) {
        return -EINVAL;
    }
    *sealed = (struct sealed){
        .nonce = AT(in->nonce_address),
        .aad = AT(in->aad_address),
        .aad_length = (size_t)in->aad_length,
        .blob = AT(in->blob_address),
        .length = DEK_BYTES,
    };
    return 0;
}

int32_t bs_dek_wrap(int64_t block) {
    const struct bs_dek_block *in = AT(block);
    struct sealed to;
    struct key_view twk, dek;
    int error = dek_sealed_of(in, &to);
    error = error == 0 ? key_view((int32_t)in->twk_handle, KEK_BYTES, &twk) : error;
    error = error == 0 ? key_view((int32_t)in->dek_handle, DEK_BYTES, &dek) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    if (halves_equal(dek.bytes)) {
        error = key_unchanged(&dek) ? BS_KEY_REJECTED : BS_KEY_STALE;
    }
    error = error == 0 ? random_fill(AT(in->nonce_address), BS_NONCE_BYTES) : error;
    error = error == 0 ? entry_key(cache, in, twk.bytes) : error;
    error = error == 0 ? seal(cache, cache->derived, &to, dek.bytes) : error;
    if (error == 0 && !(key_unchanged(&twk) && key_unchanged(&dek))) {
        explicit_bzero(to.blob, to.length + BS_TAG_BYTES);
        error = BS_KEY_STALE;
    }
    explicit_bzero(cache->derived, sizeof cache->derived);
    cache_leave(cache);
    return error;
}

int32_t bs_dek_unwrap(int64_t block) {
    const struct bs_dek_block *in = AT(block);
    struct sealed from;
    struct key_view twk;
    int error = dek_sealed_of(in, &from);
    error = error == 0 ? key_view((int32_t)in->twk_handle, KEK_BYTES, &twk) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    error = entry_key(cache, in, twk.bytes);
    error = error == 0 ? unseal(cache, cache->derived, &from) : error;
    explicit_bzero(cache->derived, sizeof cache->derived);
    if (!key_unchanged(&twk)) {
        error = BS_KEY_STALE;
    }
    if (error == 0 && halves_equal(cache->key)) {
        error = BS_KEY_REJECTED;
    }
    if (error == 0) {
        error = key_put_here(cache, (int32_t)in->dek_handle, cache->key, DEK_BYTES);
    }
    explicit_bzero(cache->key, sizeof cache->key);
    cache_leave(cache);
    return error;
}

/* RFC 5649 pads to 8 bytes and adds one block of 8. */
static int kwp_bytes(int32_t keyLength) {
    return (keyLength + 7) / 8 * 8 + 8;
}

static bool kwp_length_allowed(int32_t keyLength) {
    return keyLength >= 1 && keyLength <= BS_KEY_BYTES_MAX;
}

int32_t bs_kwp_wrap(int32_t kekHandle, int32_t keyHandle, int32_t keyLength, int64_t blob) {
    struct key_view kek, key;
    int error = kwp_length_allowed(keyLength) ? 0 : -EINVAL;
    error = error == 0 ? key_view(kekHandle, KEK_BYTES, &kek) : error;
    error = error == 0 ? key_view(keyHandle, (size_t)keyLength, &key) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    /* By way of the locked room, because libcrypto wraps in place and the plain key must not touch the blob. */
    int done = 0;
    crypto.EVP_CIPHER_CTX_set_flags(cache->wrapper, FLAG_WRAP_ALLOW);
    bool wrapped = crypto.EVP_EncryptInit_ex2(cache->wrapper, crypto.kwp, kek.bytes, NULL, NULL) == 1 &&
                   crypto.EVP_EncryptUpdate(cache->wrapper, cache->key, &done, key.bytes, keyLength) == 1 &&
                   done == kwp_bytes(keyLength);
    error = wrapped ? 0 : BS_CRYPTO_FAILED;
    if (!(key_unchanged(&kek) && key_unchanged(&key))) {
        error = BS_KEY_STALE;
    }
    clear(cache, error);
    if (error == 0) {
        memcpy(AT(blob), cache->key, (size_t)done);
    }
    explicit_bzero(cache->key, sizeof cache->key);
    cache_leave(cache);
    return error == 0 ? done : error;
}

int32_t bs_kwp_unwrap(int32_t kekHandle, int32_t keyHandle, int32_t keyLength, int64_t blob) {
    struct key_view kek;
    int error = kwp_length_allowed(keyLength) ? 0 : -EINVAL;
    error = error == 0 ? key_view(kekHandle, KEK_BYTES, &kek) : error;
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    int done = 0;
    crypto.EVP_CIPHER_CTX_set_flags(cache->wrapper, FLAG_WRAP_ALLOW);
    if (crypto.EVP_DecryptInit_ex2(cache->wrapper, crypto.kwp, kek.bytes, NULL, NULL) != 1) {
        error = BS_CRYPTO_FAILED;
    } else if (crypto.EVP_DecryptUpdate(cache->wrapper, cache->key, &done, AT(blob), kwp_bytes(keyLength)) != 1 ||
               done != keyLength) {
        error = BS_BAD_TAG;
    }
    if (!key_unchanged(&kek)) {
        error = BS_KEY_STALE;
    }
    clear(cache, error);
    if (error == 0) {
        error = key_put(keyHandle, cache->key, (size_t)keyLength);
    }
    explicit_bzero(cache->key, sizeof cache->key);
    cache_leave(cache);
    return error;
}

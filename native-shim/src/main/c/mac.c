/*
 * SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869) over libcrypto's digest. HMAC is spelled out because our keys are never
 * longer than a digest block and the pads can then stay in the thread's locked room, with nothing allocated per call.
 */
#include "shim.h"

#include <string.h>

enum { DIGEST_BLOCK_BYTES = 64, HKDF_OUTPUT_MAX = 255 * BS_MAC_BYTES };

static int digest(struct thread_cache *cache, const struct mac_part *parts, size_t count, uint8_t *out) {
    struct evp_md_ctx *context = cache->digest;
    bool done = crypto.EVP_DigestInit_ex2(context, crypto.sha256, NULL) == 1;
    for (size_t i = 0; done && i < count; i++) {
        done = parts[i].length == 0 || crypto.EVP_DigestUpdate(context, parts[i].bytes, parts[i].length) == 1;
    }
    if (!done || crypto.EVP_DigestFinal_ex(context, out, NULL) != 1) {
        crypto.ERR_clear_error();
        return BS_CRYPTO_FAILED;
    }
    return 0;
}

int sha256(struct thread_cache *cache, const void *bytes, size_t length, uint8_t *out) {
    struct mac_part part = {bytes, length};
    return digest(cache, &part, 1, out);
}

static void pad_with(struct thread_cache *cache, const uint8_t *key, size_t keyLength, uint8_t filler) {
    memset(cache->pad, filler, DIGEST_BLOCK_BYTES);
    for (size_t i = 0; i < keyLength; i++) {
        cache->pad[i] ^= key[i];
    }
}

/* `out` may be a field of the cache, except pad; it may also be one of the parts. */
int hmac(struct thread_cache *cache, const uint8_t *key, size_t keyLength, const struct mac_part *parts, size_t count,
         uint8_t *out) {
    struct mac_part inner[BS_MAC_PARTS_MAX + 1] = {{cache->pad, DIGEST_BLOCK_BYTES}};
    if (keyLength > DIGEST_BLOCK_BYTES || count > BS_MAC_PARTS_MAX) {
        return -EINVAL;
    }
    memcpy(inner + 1, parts, count * sizeof *parts);
    uint8_t innerDigest[BS_MAC_BYTES];
    pad_with(cache, key, keyLength, 0x36);
    int error = digest(cache, inner, count + 1, innerDigest);
    if (error == 0) {
        struct mac_part outer[2] = {{cache->pad, DIGEST_BLOCK_BYTES}, {innerDigest, sizeof innerDigest}};
        pad_with(cache, key, keyLength, 0x5c);
        error = digest(cache, outer, 2, out);
    }
    explicit_bzero(innerDigest, sizeof innerDigest);
    explicit_bzero(cache->pad, sizeof cache->pad);
    return error;
}

int32_t bs_sha256(int64_t address, int64_t length, int64_t out) {
    if (length < 0) {
        return -EINVAL;
    }
    struct thread_cache *cache = libcrypto_ready() ? cache_enter() : NULL;
    if (cache == NULL) {
        return libcrypto_ready() ? -ENOMEM : BS_NOT_READY;
    }
    int error = sha256(cache, AT(address), (size_t)length, AT(out));
    cache_leave(cache);
    return error;
}

static int32_t mac_to(int32_t handle, int64_t keyLength, const struct mac_part *parts, size_t count, int64_t out) {
    struct key_view view;
    int error = keyLength < 1 || keyLength > BS_KEY_BYTES_MAX ? -EINVAL : key_view(handle, (size_t)keyLength, &view);
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    error = hmac(cache, view.bytes, (size_t)keyLength, parts, count, AT(out));
    if (!key_unchanged(&view)) {
        explicit_bzero(AT(out), BS_MAC_BYTES);
        error = BS_KEY_STALE;
    }
    cache_leave(cache);
    return error;
}

int32_t bs_hmac_sha256(int32_t handle, int32_t keyLength, int64_t address, int64_t length, int64_t out) {
    struct mac_part part = {AT(address), (size_t)length};
    return length < 0 ? -EINVAL : mac_to(handle, keyLength, &part, 1, out);
}

int32_t bs_hmac_sha256_parts(int64_t block) {
    const struct bs_hmac_block *in = AT(block);
    struct mac_part parts[BS_MAC_PARTS_MAX];
    if (in->part_count < 0 || in->part_count > BS_MAC_PARTS_MAX) {
        return -EINVAL;
    }
    for (int64_t i = 0; i < in->part_count; i++) {
        if (in->parts[i].length < 0) {
            return -EINVAL;
        }
        parts[i] = (struct mac_part){AT(in->parts[i].address), (size_t)in->parts[i].length};
    }
    return mac_to((int32_t)in->key_handle, in->key_length, parts, (size_t)in->part_count, in->out_address);
}

/* RFC 5869, 2.2; a salt longer than a block is hashed first, as HMAC has it. Result in cache->derived. */
static int extract(struct thread_cache *cache, const struct bs_hkdf_block *in, const uint8_t *key) {
    const uint8_t *salt = AT(in->salt_address);
    size_t saltLength = (size_t)in->salt_length;
    uint8_t hashed[BS_MAC_BYTES];
    if (saltLength > DIGEST_BLOCK_BYTES) {
        int error = sha256(cache, salt, saltLength, hashed);
        if (error != 0) {
            return error;
        }
        salt = hashed;
        saltLength = sizeof hashed;
    }
    struct mac_part part = {key, (size_t)in->key_length};
    return hmac(cache, salt, saltLength, &part, 1, cache->derived);
}

/* RFC 5869, 2.3, from `prk` to `out`, by way of cache->block. */
static int expand(struct thread_cache *cache, const struct bs_hkdf_block *in, const uint8_t *prk, size_t prkLength,
                  uint8_t *out) {
    size_t left = (size_t)in->out_length;
    int error = 0;
    for (uint8_t counter = 1; left > 0 && error == 0; counter++) {
        struct mac_part parts[3] = {
            {cache->block, counter == 1 ? 0 : BS_MAC_BYTES},
            {AT(in->info_address), (size_t)in->info_length},
            {&counter, 1},
        };
        error = hmac(cache, prk, prkLength, parts, 3, cache->block);
        size_t length = left < BS_MAC_BYTES ? left : BS_MAC_BYTES;
        memcpy(out, cache->block, length);
        out += length;
        left -= length;
    }
    explicit_bzero(cache->block, sizeof cache->block);
    return error;
}

int32_t bs_hkdf_sha256(int64_t block) {
    const struct bs_hkdf_block *in = AT(block);
    bool toSlot = in->out_handle != 0;
    if (in->key_length < 1 || in->key_length > BS_KEY_BYTES_MAX || in->salt_length < 0 || in->info_length < 0 ||
        in->out_length < 1 || in->out_length > (toSlot ? BS_KEY_BYTES_MAX : HKDF_OUTPUT_MAX)) {
        return -EINVAL;
    }
    struct key_view view;
    int error = key_view((int32_t)in->key_handle, (size_t)in->key_length, &view);
    if (error != 0) {
        return error;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    uint8_t *out = toSlot ? cache->key : AT(in->out_address);
    if (in->expand_only != 0) {
        error = expand(cache, in, view.bytes, (size_t)in->key_length, out);
    } else {
        error = extract(cache, in, view.bytes);
        error = error == 0 ? expand(cache, in, cache->derived, BS_MAC_BYTES, out) : error;
        explicit_bzero(cache->derived, sizeof cache->derived);
    }
    error = error == 0 && !key_unchanged(&view) ? BS_KEY_STALE : error;
    if (error == 0 && toSlot) {
        error = key_put((int32_t)in->out_handle, cache->key, (size_t)in->out_length);
    } else if (error != 0) {
        explicit_bzero(out, (size_t)in->out_length);
    }
    explicit_bzero(cache->key, sizeof cache->key);
    cache_leave(cache);
    return error;
}

/*
 * AES-256-XTS over whole data units, in place. One loop for three callers; the compiler makes three of it. The key's
 * schedule comes from contexts.c, so a unit costs one new tweak and one pass of libcrypto's assembler.
 */
#include "shim.h"

#include <endian.h>
#include <string.h>

enum mode { ENCRYPT, DECRYPT, DECRYPT_SPARSE };
enum { UNIT_BYTES_MIN = 16, UNIT_BYTES_MAX = 1 << 20, BLOCK_BYTES = 16 };
static const int64_t TOTAL_BYTES_MAX = (int64_t)1 << 32;

/* Nearly always decided by the first 16 bytes. */
static inline bool all_zero(const uint8_t *unit, size_t length) {
    uint64_t first[2];
    memcpy(first, unit, sizeof first);
    return (first[0] | first[1]) == 0 && memcmp(unit, unit + BLOCK_BYTES, length - BLOCK_BYTES) == 0;
}

static inline __attribute__((always_inline)) int64_t run(
    enum mode mode, int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes) {
    if (unitBytes < UNIT_BYTES_MIN || unitBytes > UNIT_BYTES_MAX || unitBytes % BLOCK_BYTES != 0 || unitCount < 0 ||
        unitCount > TOTAL_BYTES_MAX / unitBytes || firstUnit < 0 || firstUnit > INT64_MAX - unitCount || address == 0) {
        return -EINVAL;
    }
    if (!libcrypto_ready()) {
        return BS_NOT_READY;
    }
    struct thread_cache *cache = cache_enter();
    if (cache == NULL) {
        return -ENOMEM;
    }
    struct evp_cipher_ctx *evp;
    int64_t result = context_for(cache, handle, mode == ENCRYPT, &evp);
    if (result == 0) {
        uint8_t *unit = AT(address);
        for (int64_t i = 0; i < unitCount; i++, unit += unitBytes) {
            if (mode == DECRYPT_SPARSE && all_zero(unit, (size_t)unitBytes)) {
                result++;
                continue;
            }
            uint64_t tweak[2] = {htole64((uint64_t)(firstUnit + i)), 0};
            int length = 0, done;
            if (mode == ENCRYPT) {
                done = crypto.EVP_EncryptInit_ex2(evp, NULL, NULL, (const uint8_t *)tweak, NULL) == 1 &&
                       crypto.EVP_EncryptUpdate(evp, unit, &length, unit, unitBytes) == 1;
            } else {
                done = crypto.EVP_DecryptInit_ex2(evp, NULL, NULL, (const uint8_t *)tweak, NULL) == 1 &&
                       crypto.EVP_DecryptUpdate(evp, unit, &length, unit, unitBytes) == 1;
            }
            if (!done || length != unitBytes) {
                crypto.ERR_clear_error();
                result = BS_CRYPTO_FAILED;
                break;
            }
            if (mode == ENCRYPT && all_zero(unit, (size_t)unitBytes)) {
                result++;
            }
        }
    }
    cache_leave(cache);
    return result;
}

int64_t bs_xts_encrypt(int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes) {
    return run(ENCRYPT, handle, address, firstUnit, unitCount, unitBytes);
}

int64_t bs_xts_decrypt(int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes) {
    return run(DECRYPT, handle, address, firstUnit, unitCount, unitBytes);
}

int64_t bs_xts_decrypt_sparse(
    int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes) {
    return run(DECRYPT_SPARSE, handle, address, firstUnit, unitCount, unitBytes);
}
